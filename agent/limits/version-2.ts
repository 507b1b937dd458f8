import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";

const wanted = ["memory", "cpu", "pids"] as const;

/**
 * The controllers that groups in `folder` have from now on. None may be given to them while a process is in the folder itself: the agent, and
 * whatever it started before, go into a group of their own beside the leases'. The next agent could then not be started in the folder by
 * systemd: so in a group that holds this very process that is done only where somebody undoes it (`isReleased`, see agent/native/release.c).
 */
export function enableControllers(folder: string, isReleased: boolean, log: Logger): string[] {
  const there = read(join(folder, "cgroup.controllers")).filter((name) => wanted.some((each) => each === name));
  if (there.length === 0) return [];
  const isOwn = read(join(folder, "cgroup.procs")).length > 0;
  if (isOwn && !isReleased) {
    log.warn(
      { folder },
      "leases get no limits: the unit of this agent does not take them away when it ends (ExecStopPost)",
    );
    return [];
  }
  try {
    moveAside(folder);
    writeFileSync(join(folder, "cgroup.subtree_control"), there.map((name) => `+${name}`).join(" "));
  } catch (error) {
    log.warn({ err: error, folder }, "the control groups of leases get no limits");
  }
  return read(join(folder, "cgroup.subtree_control")).filter((name) => there.includes(name));
}

function moveAside(folder: string): void {
  const pids = read(join(folder, "cgroup.procs"));
  if (pids.length === 0) return;
  const aside = join(folder, "agent");
  mkdirSync(aside, { recursive: true });
  for (const pid of pids) {
    try {
      writeFileSync(join(aside, "cgroup.procs"), pid);
    } catch (error) {
      // It has ended meanwhile.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}

const read = (path: string) => readFileSync(path, "utf8").split(/\s+/).filter(Boolean);
