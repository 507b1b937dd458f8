import type { HealthRule } from "../health.js";

export const replays: HealthRule = {
  name: "replays",
  state: "suspect",
  readings: 2,
  lasts: false,
  advice: "reseat the card, or look at its riser",
  source: "PCIe replays: a few are nothing, hundreds between two readings are a bad link",
  threshold: { standard: 100, what: "repeated transfers between two readings" },
  found: ({ gpu, before }, threshold) => {
    const grown = (gpu.link.replays ?? 0) - (before?.link.replays ?? gpu.link.replays ?? 0);
    return grown >= threshold ? `had ${grown} transfers repeated on its link since the last reading` : undefined;
  },
};
