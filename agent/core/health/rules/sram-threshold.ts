import type { HealthRule } from "../health.js";

export const sramThreshold: HealthRule = {
  name: "sram-threshold",
  state: "draining",
  readings: 1,
  lasts: false,
  advice: "reset it when it is idle, and have it tested",
  source: "sram_threshold_exceeded, channel_repair_pending, tpc_repair_pending",
  found: ({ gpu }) => {
    if (gpu.ecc.sramThresholdExceeded === true) return "has had more errors in its caches than it should";
    return gpu.repairPending ? "waits for a repair of itself, which a reset does" : undefined;
  },
};
