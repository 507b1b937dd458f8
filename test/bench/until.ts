import { setTimeout as pause } from "node:timers/promises";

/** Asks again until the answer is there; what the last try said goes into the failure. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | false | undefined> | T | false | undefined,
  limitMs = 30_000,
) {
  const deadline = Date.now() + limitMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== false && answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    await pause(10);
  }
  throw new Error(`${what}: not within ${limitMs} ms`, { cause: last });
}
