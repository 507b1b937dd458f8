import { writeFileSync } from "node:fs";
import type { Logger } from "pino";

/**
 * From here on a core dump of this process, or of any that it starts, holds none of its memory: keys and secrets are there. Unlike a limit on a
 * dump's size this holds for one that the kernel pipes to a program, too.
 */
export function keepMemoryOutOfDumps(log: Logger): void {
  try {
    writeFileSync("/proc/self/coredump_filter", "0");
  } catch (error) {
    // A kernel without core dumps has no such file.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
    log.warn({ err: error }, "a core dump of this process would hold its memory");
  }
}
