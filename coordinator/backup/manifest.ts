import { readFileSync } from "node:fs";
import { z } from "zod";
import { Fault } from "../../shared/fault.js";

export const manifestName = "manifest.json";
const format = 1;

const file = z.object({
  /** Below the data folder. */
  path: z.string().regex(/^(?!\/)(?!.*(^|\/)\.\.?(\/|$))[^\0]+$/),
  sizeBytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const manifest = z.object({
  format: z.number().int(),
  /** Of the program that made it. */
  version: z.string(),
  /** Milliseconds since the epoch: taken before the catalog was copied. */
  at: z.number().int().nonnegative(),
  schema: z.number().int().positive(),
  files: z.array(file),
});

/** The last file to be written: what has one is whole. */
export type Manifest = z.infer<typeof manifest>;
export type ManifestFile = z.infer<typeof file>;

export const makeManifest = (made: Omit<Manifest, "format">): Manifest => ({ format, ...made });

export function readManifest(path: string, backup: string): Manifest {
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const absent = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    const why = absent ? `is not a backup: it has no ${manifestName}` : `has a ${manifestName} that can't be read`;
    throw new Fault("invalid-argument", `${backup} ${why}`, { cause });
  }
  const parsed = manifest.safeParse(found);
  if (!parsed.success) throw new Fault("invalid-argument", `${backup} has a ${manifestName} that makes no sense`);
  if (parsed.data.format !== format) {
    throw new Fault(
      "invalid-argument",
      `${backup} was made by Stoker ${parsed.data.version}, whose backups this version can't read: restore it with that one`,
    );
  }
  return parsed.data;
}
