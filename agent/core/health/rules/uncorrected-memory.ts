import type { HealthRule } from "../health.js";

export const uncorrectedMemory: HealthRule = {
  name: "uncorrected-memory",
  state: "failed",
  readings: 1,
  lasts: false,
  advice: "reset it, or start the machine anew; if it happens again, have the card replaced",
  source: "volatile uncorrectable ECC errors; they count from the last reset",
  threshold: { standard: 0, what: "errors that it may have had" },
  found: ({ gpu }, threshold) =>
    (gpu.ecc.uncorrected ?? 0) > threshold
      ? `had ${gpu.ecc.uncorrected} memory errors that could not be corrected since it was reset`
      : undefined,
};
