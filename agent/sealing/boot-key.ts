import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { encryptionKeyBytes } from "../../shared/encryption.js";
import { memoryFolders } from "../memory-folders.js";

/** The package makes the first. */
const folders = ["/run/stoker", "/run", "/dev/shm"];

/**
 * A key that is in memory alone, and as long as the machine runs: all agents of one account find the same. Undefined where the machine has no
 * folder in memory for it.
 */
export function bootKey(among: readonly string[] = folders): Buffer | undefined {
  const user = process.geteuid?.() ?? 0;
  const paths = memoryFolders(among).map((folder) => join(folder, `stoker-ledger-key-${user}`));
  const keyAt = (path: string) => keyIn(path, user);
  // One that is there already has sealed what is to be opened, also when a better folder has come since.
  return first(paths, keyAt) ?? first(paths, (path) => (make(path) ? keyAt(path) : undefined));
}

function first<T>(paths: readonly string[], find: (path: string) => T | undefined): T | undefined {
  for (const path of paths) {
    const found = find(path);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** For the ledger; says so where there is none. */
export function ledgerKey(log: Logger): Buffer | undefined {
  const key = bootKey();
  if (!key) log.warn({ folders }, "no folder is in memory: secrets of running jobs are in the ledger as they are");
  return key;
}

/** Undefined when it is not there, or was not made by this account and for it alone. */
function keyIn(path: string, user: number): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    // Another folder is asked then.
    return undefined;
  }
  try {
    const { uid, mode, size } = fstatSync(file);
    const own = uid === user && (mode & constants.S_IFMT) === constants.S_IFREG && (mode & 0o077) === 0;
    return own && size === encryptionKeyBytes ? readFileSync(file) : undefined;
  } finally {
    closeSync(file);
  }
}

/** It gets its name when it is whole, and the first of several that make it counts. False where one can't be made. */
function make(path: string): boolean {
  let own: string | undefined;
  try {
    own = mkdtempSync(`${path}-`);
    const fresh = join(own, "key");
    writeFileSync(fresh, randomBytes(encryptionKeyBytes), { mode: 0o600, flag: "wx" });
    linkSync(fresh, path);
    return true;
  } catch (error) {
    // Somebody else's, or a folder that is not ours to write: what is found there is looked at.
    return error instanceof Error && "code" in error && error.code === "EEXIST";
  } finally {
    if (own !== undefined) rmSync(own, { recursive: true, force: true });
  }
}
