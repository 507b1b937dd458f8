import type { HealthRule } from "../health.js";

export const drainAsked: HealthRule = {
  name: "drain-asked",
  state: "draining",
  readings: 1,
  lasts: false,
  advice: "reset it when it is idle",
  source: "gpu_recovery_action",
  found: ({ gpu }) =>
    gpu.recoveryAction !== undefined && /^drain/i.test(gpu.recoveryAction)
      ? `is said by its driver to need: ${gpu.recoveryAction}`
      : undefined,
};
