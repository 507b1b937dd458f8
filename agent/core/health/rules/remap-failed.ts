import type { HealthRule } from "../health.js";

export const remapFailed: HealthRule = {
  name: "remap-failed",
  state: "failed",
  readings: 1,
  lasts: true,
  advice: "have the card replaced",
  source: "NVIDIA GPU memory error management: a row that can't be remapped is grounds for a replacement",
  found: ({ gpu }) => {
    if (gpu.remappedRows.failure === true) return "could not set a bad row of its memory aside";
    return gpu.unrepairableMemory === true ? "has memory that can't be repaired" : undefined;
  },
};
