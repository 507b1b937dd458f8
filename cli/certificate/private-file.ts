import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { usage } from "../failure.js";

/** In one step, and for its owner alone to read; another program may do the same at this moment. */
export function replaceFile(path: string, text: string): void {
  const staged = `${path}.${process.pid}.new`;
  rmSync(staged, { force: true });
  writeAll(staged, text);
  renameSync(staged, path);
}

/** Where there is none yet: a key that is overwritten is gone. */
export function newFile(path: string, text: string): void {
  try {
    writeAll(path, text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw usage(`${path} is there already: move it away, or choose another name`);
  }
}

function writeAll(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = openSync(path, "wx", 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
