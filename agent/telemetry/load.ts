import { readFileSync } from "node:fs";
import type { Sample, Source } from "./source.js";

export function parseLoad(loadavg: string): number | undefined {
  const first = /^(\d+(?:\.\d+)?) /.exec(loadavg)?.[1];
  return first === undefined ? undefined : Number(first);
}

export const load = (everyMs: number): Source => ({
  name: "load",
  everyMs,
  sample(): Sample {
    const load1 = parseLoad(readFileSync("/proc/loadavg", "utf8"));
    return load1 === undefined ? {} : { load1 };
  },
});
