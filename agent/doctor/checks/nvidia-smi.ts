import { type Check, fail, ok } from "../../../shared/doctor/finding.js";
import { isUbuntu } from "../distribution.js";
import type { AgentWorld } from "../world.js";
import { gpuDevices } from "./gpu-devices.js";

export const nvidiaSmi: Check<AgentWorld> = {
  name: "nvidia-smi",
  async look({ machine }) {
    const devices = gpuDevices(machine);
    const driver = machine.read("/proc/driver/nvidia/version");
    if (devices.length === 0 && driver === undefined) return undefined;
    const ran = await machine.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], 15_000);
    if (!ran) {
      const release = /Kernel Module.*?\s(\d+)\./.exec(driver ?? "")?.[1];
      const onUbuntu = release === undefined ? "ubuntu-drivers install" : `apt install nvidia-utils-${release}`;
      return fail(
        "there is no nvidia-smi: GPUs can't be watched",
        isUbuntu(machine) ? onUbuntu : "apt install nvidia-smi",
      );
    }
    const said = firstLine(ran.stderr) || firstLine(ran.stdout);
    if (ran.code > 128)
      return fail("nvidia-smi hangs: a GPU or its driver is stuck", "dmesg | grep -i xid; then restart the machine");
    if (ran.code !== 0) return fail(`nvidia-smi fails: ${said}`, "dmesg | grep -i nvrm");
    const names = ran.stdout.split("\n").filter((line) => line.trim() !== "");
    if (names.length < devices.length) {
      return fail(`nvidia-smi sees ${names.length} of ${devices.length} GPUs`, "dmesg | grep -iE 'nvrm|xid'");
    }
    return ok(`nvidia-smi sees ${names.length} GPU${names.length === 1 ? "" : "s"}: ${[...new Set(names)].join(", ")}`);
  },
};

const firstLine = (text: string) => text.trim().split("\n")[0] ?? "";
