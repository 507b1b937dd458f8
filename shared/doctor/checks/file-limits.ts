import { type Check, type Finding, ok, warn } from "../finding.js";
import { limitOf } from "../limits.js";
import type { Machine } from "../machine.js";

const openFiles = 65_536;
const perMachine = 262_144;

/** Of the daemon, from which the processes of jobs have them. */
export const fileLimits: Check<{ machine: Machine; unit: string }> = {
  name: "file limits",
  async look({ machine, unit }) {
    const found: Finding[] = [];
    const hard = await limitOf(machine, unit, "Max open files");
    if (hard !== undefined && hard !== "unlimited" && Number(hard) < openFiles) {
      const remedy = `systemctl edit ${unit}, and there under [Service]: LimitNOFILE=1048576`;
      found.push(warn(`a process may open ${hard} files; ${openFiles} are wanted`, remedy));
    }
    const all = Number(machine.read("/proc/sys/fs/file-max") ?? Number.NaN);
    if (all < perMachine) {
      found.push(warn(`all processes together may open ${all} files`, `sysctl -w fs.file-max=${perMachine * 4}`));
    }
    return found.length > 0 ? found : ok(`a process may open ${hard ?? "enough"} files`);
  },
};
