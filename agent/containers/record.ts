import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { parsedJson } from "../parsed-json.js";
import type { Inside } from "../ports.js";

/** What a later agent must know of a lease's container, in the lease's spool folder. */
const shape = z.object({
  holder: z.number().int().min(2),
  start: z.string().regex(/^\d+$/),
  environment: z.record(z.string(), z.string()),
});

const pathIn = (spool: string) => join(spool, "container.json");

export function writeRecord(spool: string, inside: Inside): void {
  writeFileSync(`${pathIn(spool)}.new`, JSON.stringify(inside), { mode: 0o600 });
  renameSync(`${pathIn(spool)}.new`, pathIn(spool));
}

/** Undefined when there is none, or its holder has ended. */
export function readRecord(spool: string): Inside | undefined {
  const text = readIfThere(pathIn(spool));
  const record = text === undefined ? undefined : shape.safeParse(parsedJson(text)).data;
  return record && startOf(record.holder) === record.start ? record : undefined;
}

/** When a living process was started, which with its number names it for good. */
export function startOf(pid: number): string | undefined {
  const fields = readIfThere(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, "")
    .split(" ");
  return fields?.[0] === "Z" || fields?.[0] === "X" ? undefined : fields?.[19];
}

export function environmentOf(text: string): Record<string, string> {
  const pairs = text
    .split("\0")
    .map((variable) => [variable.slice(0, variable.indexOf("=")), variable.slice(variable.indexOf("=") + 1)] as const);
  return Object.fromEntries(pairs.filter(([name]) => name !== "" && name !== "STOKER_LEASE" && name !== "TERM"));
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
