import { readFileSync } from "node:fs";
import { until } from "./until.js";

/** Shell text that appends the moment at which it runs to a file, without starting another process. */
export const stamp = (path: string) => `echo "$EPOCHREALTIME" >> ${path}`;

/** Waits for `count` stamps; milliseconds since the epoch, in the order they were written. */
export async function stamps(path: string, count: number, limitMs = 60_000): Promise<number[]> {
  return await until(
    `${count} stamps in ${path}`,
    () => {
      const lines = readFileSync(path, "utf8").trim().split("\n");
      return lines.length >= count && lines.map((line) => Number(line) * 1_000);
    },
    limitMs,
  );
}

/** Now, on the clock that the stamps are taken from. */
export const nowMs = () => performance.timeOrigin + performance.now();
