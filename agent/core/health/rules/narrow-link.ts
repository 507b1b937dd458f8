import type { HealthRule } from "../health.js";

export const narrowLink: HealthRule = {
  name: "narrow-link",
  state: "suspect",
  readings: 3,
  lasts: false,
  advice: "reseat the card, or look at its riser",
  source: "the link's width against this card's own best; its generation drops when idle, and is not judged",
  threshold: { standard: 90, what: "percent of utilisation from which on it counts as busy" },
  found: ({ gpu, baseline }, threshold) => {
    const { width } = gpu.link;
    const busy = (gpu.utilizationPercent ?? 0) >= threshold;
    return busy && width !== undefined && baseline.width !== undefined && width < baseline.width
      ? `is linked by ${width} lanes, and had ${baseline.width}`
      : undefined;
  },
};
