import { type Check, ok, warn } from "../../../shared/doctor/finding.js";
import type { AgentWorld } from "../world.js";

export const cuda: Check<AgentWorld> = {
  name: "CUDA",
  async look({ machine }) {
    if (machine.read("/proc/driver/nvidia/version") === undefined) return undefined;
    const summary = await machine.run(["nvidia-smi"], 15_000);
    const most = /CUDA(?: UMD)? Version:\s*(\d+\.\d+)/.exec(summary?.stdout ?? "")?.[1];
    const text = machine.read("/usr/local/cuda/version.json");
    const installed = /"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"(\d+\.\d+)/.exec(text ?? "")?.[1];
    if (most === undefined) return warn("nvidia-smi does not say up to which CUDA the driver goes", "nvidia-smi");
    if (installed === undefined)
      return ok(`the driver runs programs for CUDA up to ${most}; no toolkit is installed, which most need not`);
    if (order(installed) > order(most)) {
      const remedy = "install a newer driver, or an older toolkit in /usr/local/cuda";
      return warn(`the toolkit in /usr/local/cuda is ${installed}, but the driver goes up to ${most}`, remedy);
    }
    return ok(`toolkit ${installed}, and a driver that goes up to ${most}`);
  },
};

function order(version: string): number {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major * 1_000 + minor;
}
