import type { HealthRule } from "../health.js";

export const remapPending: HealthRule = {
  name: "remap-pending",
  state: "draining",
  readings: 1,
  lasts: false,
  advice: "reset it when it is idle",
  source: "remapped_row_pending and pending_retirement: done by the next reset",
  found: ({ gpu }) =>
    gpu.remappedRows.pending === true || gpu.retiredPages.pending === true
      ? "has a part of its memory to be set aside, which a reset does"
      : undefined,
};
