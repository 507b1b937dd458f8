import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/** Makes the folder of programs that are on every job's PATH, before the machine's own: `ssh`, which reaches the job's nodes without keys. */
export function jobCommands(folder: string, rsh: string): string {
  mkdirSync(folder, { recursive: true });
  // Put in its place at once: jobs of an earlier agent may be calling it.
  const next = join(folder, "ssh.next");
  rmSync(next, { force: true });
  symlinkSync(rsh, next);
  renameSync(next, join(folder, "ssh"));
  return folder;
}
