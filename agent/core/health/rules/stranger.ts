import type { HealthRule } from "../health.js";

export const stranger: HealthRule = {
  name: "stranger",
  state: "suspect",
  readings: 3,
  lasts: false,
  advice: "ask who runs it: jobs that are given this GPU share it with that process",
  source: "compute processes that belong to no lease",
  found: ({ gpu, ownPids }) => {
    if (gpu.desktopDriver) return undefined;
    const strangers = gpu.processes.filter(({ pid, type }) => type !== "G" && !ownPids.has(pid));
    const first = strangers[0];
    return first ? `is used by process ${first.pid}, which belongs to no job` : undefined;
  },
};
