import type { HealthRule } from "../health.js";

export const retiredPages: HealthRule = {
  name: "retired-pages",
  state: "failed",
  readings: 1,
  lasts: true,
  advice: "have the card replaced",
  source: "NVIDIA dynamic page retirement: more than 60 pages are grounds for a replacement",
  threshold: { standard: 60, what: "pages that it may have retired" },
  found: ({ gpu }, threshold) => {
    const count = (gpu.retiredPages.corrected ?? 0) + (gpu.retiredPages.uncorrected ?? 0);
    return count > threshold ? `has retired ${count} pages of its memory` : undefined;
  },
};
