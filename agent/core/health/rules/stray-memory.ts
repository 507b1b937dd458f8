import type { HealthRule } from "../health.js";

export const strayMemory: HealthRule = {
  name: "stray-memory",
  state: "suspect",
  readings: 3,
  lasts: false,
  advice: "look for what holds it: fuser -v /dev/nvidia*, containers that have ended, MPS",
  source: "memory in use without a process; drivers before 510 count the reserved part as used, hence the baseline",
  threshold: { standard: 600, what: "MiB beyond what it has in use when idle" },
  found: ({ gpu, held, baseline }, threshold) => {
    const { usedBytes, reservedBytes = 0 } = gpu.memory;
    if (held || usedBytes === undefined || gpu.processes.length > 0 || gpu.mig.enabled === true) return undefined;
    const idle = Math.max(reservedBytes, baseline.idleMemoryBytes ?? 0) + threshold * 2 ** 20;
    return usedBytes > idle
      ? `has ${Math.round(usedBytes / 2 ** 20)} MiB in use, and no process that uses them`
      : undefined;
  },
};
