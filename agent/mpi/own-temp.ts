import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A short folder for one lease on one node, as the TMPDIR of what launchers start there. Open MPI's daemons name their session folders by
 * host and user alone: those of two nodes on one machine would take each other's away, and a long path breaks them.
 */
export function ownTemp(spool: string, base: string): string {
  const note = join(spool, "remote", "tmpdir");
  if (existsSync(note)) {
    const made = readFileSync(note, "utf8");
    // An earlier agent may have been stopped between the two lines below.
    if (existsSync(made)) return made;
  }
  mkdirSync(join(spool, "remote"), { recursive: true });
  const made = mkdtempSync(join(base, "stoker-"));
  writeFileSync(note, made);
  return made;
}

export function removeOwnTemp(spool: string): void {
  const note = join(spool, "remote", "tmpdir");
  if (!existsSync(note)) return;
  const made = readFileSync(note, "utf8");
  if (/\/stoker-[A-Za-z0-9]{6}$/.test(made)) rmSync(made, { recursive: true, force: true });
}
