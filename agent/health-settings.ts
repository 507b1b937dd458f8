import { type Setting, text } from "../shared/config.js";
import { Fault } from "../shared/fault.js";
import type { Thresholds } from "./core/health/health.js";
import { checkedThresholds } from "./core/health/names.js";

/** `hot=off,retired-pages=30`. */
function thresholds(value: string): Thresholds {
  const parts = value.split(",").filter((part) => part.trim() !== "");
  const given = parts.map((part) => {
    const at = part.indexOf("=");
    if (at < 1) throw new Fault("invalid-argument", `"${part}" is not RULE=NUMBER or RULE=off`);
    return [part.slice(0, at).trim(), part.slice(at + 1).trim()] as const;
  });
  const checked = checkedThresholds(Object.fromEntries(given));
  if (typeof checked === "string") throw new Fault("invalid-argument", checked);
  return checked;
}

const health: Setting<Thresholds> = {
  description:
    "rules by which GPUs and the machine are found unfit, by name: another threshold, or off; such as retired-pages=30,hot=off (docs/gpu-health.md lists them)",
  placeholder: "rule=number|off,…",
  default: {},
  key: "threshold",
  parse: thresholds,
};

/** Of the agent's table of settings: how it finds out what is wrong with this machine. */
export const healthSettings = {
  health,
  nvidiaSmi: text({ description: "the program nvidia-smi", placeholder: "file", default: "nvidia-smi" }),
  kernelLog: text({
    description: "where the kernel says what befell GPUs, memory and disks",
    placeholder: "file",
    default: "/dev/kmsg",
  }),
};
