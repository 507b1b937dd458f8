import { readFileSync } from "node:fs";
import type { Sample, Source } from "./source.js";

export interface CpuTimes {
  busy: number;
  total: number;
}

/** /proc/stat's first line: all processors together, in ticks since the start. */
export function parseCpuTimes(stat: string): CpuTimes | undefined {
  const [name, ...ticks] = (stat.split("\n", 1)[0] ?? "").trim().split(/\s+/);
  // user nice system idle iowait irq softirq steal; what guests use is in user and nice already.
  const [user, nice, system, idle, iowait, irq, softirq, steal] = ticks.slice(0, 8).map(Number);
  if (name !== "cpu" || idle === undefined || !ticks.slice(0, 8).every((tick) => /^\d+$/.test(tick))) return undefined;
  const busy = (user ?? 0) + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (softirq ?? 0) + (steal ?? 0);
  return { busy, total: busy + idle + (iowait ?? 0) };
}

export function cpuPercent(before: CpuTimes, after: CpuTimes): number | undefined {
  const total = after.total - before.total;
  const busy = after.busy - before.busy;
  return total > 0 && busy >= 0 ? Math.round((busy / total) * 1000) / 10 : undefined;
}

export function cpu(everyMs: number): Source {
  let before: CpuTimes | undefined;
  return {
    name: "cpu",
    everyMs,
    sample(): Sample {
      const after = parseCpuTimes(readFileSync("/proc/stat", "utf8"));
      const percent = before && after ? cpuPercent(before, after) : undefined;
      before = after;
      return percent === undefined ? {} : { cpuPercent: percent };
    },
  };
}
