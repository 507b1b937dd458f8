import type { MachineRule } from "../machine.js";
import { said } from "../said.js";

const windowMs = 10 * 60_000;

export const diskErrors: MachineRule = {
  name: "disk-errors",
  advice: "look at the disk: `smartctl -a`, and the kernel's log",
  source: "errors of reading and writing in the kernel's log, of the root's disk or that of the agent's files",
  threshold: { standard: 5, what: "within ten minutes" },
  lasts: true,
  found: (seen, threshold, now) => {
    const found = said(seen, "disk-error", now - windowMs).filter(({ message }) =>
      isVital(seen.vitalDevices, message.device),
    );
    const last = found.at(-1);
    return last && threshold > 0 && found.length >= threshold
      ? { words: `its disk ${last.message.device} had ${found.length} errors within ten minutes`, since: last.at }
      : undefined;
  },
};

/** `sda` has the partition `sda1`, `nvme0n1` has `nvme0n1p2`. */
const isVital = (vital: ReadonlySet<string>, disk: string) =>
  [...vital].some(
    (device) => device === disk || (device.startsWith(disk) && /^p?\d+$/.test(device.slice(disk.length))),
  );
