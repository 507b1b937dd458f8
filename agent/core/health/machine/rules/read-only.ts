import type { MachineRule } from "../machine.js";
import { said } from "../said.js";

export const readOnly: MachineRule = {
  name: "read-only",
  advice: "look at the disk (`smartctl -a`, the kernel's log), repair its file system, and start the machine anew",
  source: "the kernel made the root file system, or that of the agent's files, read-only after an error",
  lasts: true,
  found: (seen) => {
    const first = said(seen, "read-only").find(({ message }) => seen.vitalDevices.has(message.device));
    return first && { words: `its disk ${first.message.device} can only be read any more`, since: first.at };
  },
};
