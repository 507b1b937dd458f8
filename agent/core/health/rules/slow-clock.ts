import type { HealthRule } from "../health.js";

export const slowClock: HealthRule = {
  name: "slow-clock",
  state: "suspect",
  readings: 3,
  lasts: false,
  advice: "reset it when it is idle, and look at its power and cooling",
  source: "clocks far below the card's own while it is busy, and no reason given",
  found: ({ gpu, thresholds }) => {
    const { smMhz, smMostMhz } = gpu.clocks;
    const busy = (gpu.utilizationPercent ?? 0) >= thresholds.busyPercent && (gpu.memory.usedBytes ?? 0) > 2 ** 30;
    const reasons = gpu.eventReasons.filter((reason) => reason !== "gpu_idle");
    return busy && smMhz !== undefined && smMostMhz !== undefined && smMhz < smMostMhz / 4 && reasons.length === 0
      ? `is busy at ${smMhz} MHz of ${smMostMhz}, and does not say why`
      : undefined;
  },
};
