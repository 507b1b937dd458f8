import { readFileSync } from "node:fs";
import type { Sample, Source } from "./source.js";

/** What is neither free nor easily freed; undefined when the kernel does not say. */
export function parseMemoryUsed(meminfo: string): bigint | undefined {
  const kib = (name: string) => new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1];
  const total = kib("MemTotal");
  const available = kib("MemAvailable");
  return total === undefined || available === undefined ? undefined : (BigInt(total) - BigInt(available)) * 1024n;
}

export const memory = (everyMs: number): Source => ({
  name: "memory",
  everyMs,
  sample(): Sample {
    const used = parseMemoryUsed(readFileSync("/proc/meminfo", "utf8"));
    return used === undefined ? {} : { memoryUsedBytes: used };
  },
});
