import type { HealthRule } from "../health.js";

export const noSpareRows: HealthRule = {
  name: "no-spare-rows",
  state: "suspect",
  readings: 1,
  lasts: false,
  advice: "watch it: the next bad row of such a bank ends its service",
  source: "row_remapper_histogram_none",
  threshold: { standard: 0, what: "such banks that it may have" },
  found: ({ gpu }, threshold) =>
    (gpu.remappedRows.banksWithoutSpare ?? 0) > threshold
      ? `has ${gpu.remappedRows.banksWithoutSpare} banks of memory without a spare row`
      : undefined,
};
