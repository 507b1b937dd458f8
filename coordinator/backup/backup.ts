import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Fault } from "../../shared/fault.js";
import { copyFile, filesBelow, syncPath } from "./copy-file.js";
import { type ManifestFile, makeManifest, manifestName } from "./manifest.js";
import { type Progress, progressTo } from "./progress.js";

export interface BackupOptions {
  dataDir: string;
  to: string;
  version: string;
  now: number;
  copyCatalog(from: string, to: string): Promise<{ schema: number }>;
  progress?: Progress;
}

/** What another coordinator needs to go on in this one's place. The NATS store is not: what it holds agents send again. */
const secrets = [
  ...["token", "witness-secret", "link-key", "nats/token", "nats/seed"],
  ...["pki/ca.pem", "pki/ca.key", "pki/server.pem", "pki/server.key"],
];

/**
 * A copy of a data folder, whether its coordinator runs or not: the catalog as of one moment, then logs, which only grow, so that they hold all
 * that the catalog knows to be stored. It gets its name when it is whole and on disk.
 */
export async function backup(options: BackupOptions): Promise<{ path: string; files: number; sizeBytes: number }> {
  const { dataDir, now, version } = options;
  const to = resolve(options.to);
  const catalog = join(dataDir, "catalog.db");
  if (!existsSync(catalog)) throw new Fault("invalid-argument", `${dataDir} has no catalog.db: pass --data-dir`);
  if (existsSync(to)) throw new Fault("invalid-argument", `${to} exists already: name a new folder`);
  mkdirSync(dirname(to), { recursive: true });
  const staged = join(dirname(to), `.${basename(to)}.unfinished-${process.pid}`);
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(staged, { mode: 0o700 });
  try {
    const { schema } = await options.copyCatalog(catalog, join(staged, "catalog.db"));
    syncPath(join(staged, "catalog.db"));
    const rest = [...secrets.filter((name) => existsSync(join(dataDir, name))), ...filesBelow(dataDir, "logs")];
    const show = progressTo(options.progress, sizeOf(dataDir, rest), "logs copied");
    const files: ManifestFile[] = [
      { path: "catalog.db", ...copyFile(join(staged, "catalog.db"), undefined, () => undefined) },
    ];
    for (const path of rest) {
      const copied = unlessGone(() => copyFile(join(dataDir, path), join(staged, path), show));
      if (copied) files.push({ path, ...copied });
    }
    for (const folder of new Set(files.map(({ path }) => dirname(join(staged, path))))) syncPath(folder);
    writeFileSync(
      join(staged, "manifest.new"),
      `${JSON.stringify(makeManifest({ version, at: now, schema, files }))}\n`,
    );
    copyFile(join(staged, "manifest.new"), join(staged, manifestName), () => undefined);
    rmSync(join(staged, "manifest.new"));
    syncPath(staged);
    renameSync(staged, to);
    syncPath(dirname(to));
    return { path: to, files: files.length, sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  } catch (error) {
    rmSync(staged, { recursive: true, force: true });
    throw error;
  }
}

const sizeOf = (root: string, paths: string[]) =>
  paths.reduce((sum, path) => sum + (statSync(join(root, path), { throwIfNoEntry: false })?.size ?? 0), 0);

/** Its job was deleted meanwhile. */
function unlessGone<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
