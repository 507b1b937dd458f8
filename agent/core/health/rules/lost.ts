import type { HealthRule } from "../health.js";

export const lost: HealthRule = {
  name: "lost",
  state: "failed",
  readings: 1,
  lasts: true,
  advice: "start the machine anew; if it happens again, look at the card, its cables and its slot",
  source: "nvidia-smi says `GPU is lost` in place of values",
  found: ({ gpu }) => (gpu.lost ? "is lost: the driver can't reach it" : undefined),
};
