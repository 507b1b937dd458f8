import { setTimeout as sleep } from "node:timers/promises";

export class TooLate extends Error {}

/** Waits until `look` gives something other than undefined or false; what it threw last is told when time is up. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  limitMs: number,
  everyMs = 100,
): Promise<T> {
  const end = Date.now() + limitMs;
  let trouble: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      trouble = undefined;
    } catch (error) {
      trouble = error;
    }
    if (Date.now() >= end) throw new TooLate(`${what}: not within ${limitMs} ms`, { cause: trouble });
    await sleep(everyMs);
  }
}
