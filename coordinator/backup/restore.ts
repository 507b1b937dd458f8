import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../../shared/fault.js";
import { copyFile, syncPath } from "./copy-file.js";
import { type Manifest, type ManifestFile, manifestName, readManifest } from "./manifest.js";
import { type Progress, progressTo } from "./progress.js";

export interface RestoreOptions {
  backup: string;
  dataDir: string;
  now: number;
  /** Makes a catalog of its own of the copy. */
  revive(catalog: string, backupAt: number, now: number): void;
  progress?: Progress;
}

const staging = ".restoring";
/** Of an empty file system, or kept beside the backup. */
const harmless = new Set(["lost+found", "secret-key"]);

/** A backup becomes the data folder of another coordinator. Until all of it is there and right, none of it can be started. */
export function restore({ backup, dataDir, now, revive, progress }: RestoreOptions): Manifest {
  const manifest = readManifest(join(backup, manifestName), backup);
  if (!manifest.files.some(({ path }) => path === "catalog.db")) {
    throw new Fault("invalid-argument", `${backup} has no catalog`);
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const there = readdirSync(dataDir).filter((name) => !harmless.has(name));
  if (there.length > 0) {
    throw new Fault(
      "failed-precondition",
      `${dataDir} is not empty (${there.slice(0, 3).join(", ")}): a backup is restored to an empty folder; move away what is there, or pass another --data-dir`,
    );
  }
  const staged = join(dataDir, staging);
  mkdirSync(staged, { mode: 0o700 });
  try {
    const show = progressTo(
      progress,
      manifest.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      "restored",
    );
    for (const file of manifest.files) take(backup, staged, file, show);
    revive(join(staged, "catalog.db"), manifest.at, now);
  } catch (error) {
    rmSync(staged, { recursive: true, force: true });
    throw error;
  }
  const { uid, gid } = statSync(dataDir);
  for (const path of everythingIn(staged)) chownSync(path, uid, gid);
  // The catalog last: a coordinator does not start in a folder with a half of a backup.
  const names = readdirSync(staged).sort((a, b) => Number(a === "catalog.db") - Number(b === "catalog.db"));
  for (const name of names) renameSync(join(staged, name), join(dataDir, name));
  syncPath(dataDir);
  rmSync(staged, { recursive: true });
  syncPath(dataDir);
  return manifest;
}

/** Throws for a folder in which a restore was begun and did not end. */
export function refuseHalfRestored(dataDir: string): void {
  if (!existsSync(join(dataDir, staging))) return;
  throw new Fault(
    "failed-precondition",
    `a restore to ${dataDir} did not end: empty the folder, and restore the backup once more`,
  );
}

function take(backup: string, staged: string, file: ManifestFile, show: (bytes: number) => void): void {
  const path = join(backup, file.path);
  if (!existsSync(path)) throw new Fault("invalid-argument", `${backup} is not whole: ${file.path} is missing`);
  const { sizeBytes, sha256 } = copyFile(path, join(staged, file.path), show);
  if (sizeBytes !== file.sizeBytes || sha256 !== file.sha256) {
    throw new Fault("invalid-argument", `${path} is not as it was when the backup was made: use another backup`);
  }
}

function everythingIn(folder: string): string[] {
  const below = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
  for (const path of new Set(below.map(dirname))) syncPath(path);
  return below;
}
