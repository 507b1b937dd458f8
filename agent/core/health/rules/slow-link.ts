import type { HealthRule } from "../health.js";

export const slowLink: HealthRule = {
  name: "slow-link",
  state: "suspect",
  readings: 3,
  lasts: false,
  advice: "reseat the card, look at its riser, and at the slot's speed in the firmware's settings",
  source: "the link's PCIe generation under load against this card's own best; it drops when idle, which is no fault",
  threshold: { standard: 90, what: "percent of utilisation from which on it counts as busy" },
  found: ({ gpu, baseline }, threshold) => {
    const { generation } = gpu.link;
    const busy = (gpu.utilizationPercent ?? 0) >= threshold;
    return busy && generation !== undefined && baseline.generation !== undefined && generation < baseline.generation
      ? `is linked by PCIe ${generation}.0 while it is busy, and had ${baseline.generation}.0`
      : undefined;
  },
};
