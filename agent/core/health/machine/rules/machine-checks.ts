import type { MachineRule } from "../machine.js";
import { said } from "../said.js";

const windowMs = 10 * 60_000;

export const machineChecks: MachineRule = {
  name: "machine-checks",
  advice: "look at its memory and processors: `ras-mc-ctl --summary`, the board's event log",
  source: "machine check exceptions in the kernel's log; a single one may be a cosmic ray",
  threshold: { standard: 3, what: "within ten minutes" },
  lasts: true,
  found: (seen, threshold, now) => {
    const times = apart(said(seen, "machine-check", now - windowMs).map(({ at }) => at));
    return times.length >= threshold && threshold > 0
      ? { words: `its hardware reported ${times.length} errors within ten minutes`, since: times.at(-1) ?? now }
      : undefined;
  },
};

/** The kernel tells of each in several lines. */
function apart(times: readonly number[]): number[] {
  return times.filter((at, index) => at - (times[index - 1] ?? Number.NEGATIVE_INFINITY) >= 500);
}
