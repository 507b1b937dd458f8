import type { HealthRule } from "../health.js";

export const recovery: HealthRule = {
  name: "recovery",
  state: "failed",
  readings: 1,
  lasts: false,
  advice: "do what it asks for: nvidia-smi --gpu-reset while nothing runs on it, or start the machine anew",
  source: "gpu_recovery_action and reset_required",
  found: ({ gpu }) => {
    if (gpu.requiresReset) return "has to be reset";
    return gpu.recoveryAction === undefined || /^(?:none|drain)/i.test(gpu.recoveryAction)
      ? undefined
      : `is said by its driver to need: ${gpu.recoveryAction}`;
  },
};
