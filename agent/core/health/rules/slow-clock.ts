import type { HealthRule } from "../health.js";

const busyPercent = 90;

export const slowClock: HealthRule = {
  name: "slow-clock",
  state: "suspect",
  readings: 3,
  lasts: false,
  advice: "reset it when it is idle, and look at its power and cooling",
  source: "clocks far below the card's own while it is busy, and no reason given",
  threshold: { standard: 25, what: "percent of its highest clock" },
  found: ({ gpu }, threshold) => {
    const { smMhz, smMostMhz } = gpu.clocks;
    const busy = (gpu.utilizationPercent ?? 0) >= busyPercent && (gpu.memory.usedBytes ?? 0) > 2 ** 30;
    const reasons = gpu.eventReasons.filter((reason) => reason !== "gpu_idle");
    return busy &&
      smMhz !== undefined &&
      smMostMhz !== undefined &&
      smMhz < (smMostMhz * threshold) / 100 &&
      reasons.length === 0
      ? `is busy at ${smMhz} MHz of ${smMostMhz}, and does not say why`
      : undefined;
  },
};
