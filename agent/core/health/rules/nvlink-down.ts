import type { HealthRule } from "../health.js";

export const nvlinkDown: HealthRule = {
  name: "nvlink-down",
  state: "suspect",
  readings: 2,
  lasts: false,
  advice: "look for Xid 74 in the kernel's log; reset the machine's GPUs together, or reseat the bridge",
  source: "nvidia-smi nvlink -s: active links against this card's own best, as cards have links that are never used",
  threshold: { standard: 0, what: "links that may be down" },
  found: ({ gpu, baseline }, threshold) => {
    const active = gpu.nvlinksActive;
    const down = active === undefined ? 0 : (baseline.nvlinks ?? active) - active;
    return down > threshold ? `has ${active} NVLinks, and had ${baseline.nvlinks}` : undefined;
  },
};
