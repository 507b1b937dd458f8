import { expect } from "vitest";
import { type Outcome, simulate } from "./simulate.js";
import { planOf } from "./world/plan.js";

/** `count` plans from `first` on. A broken law fails with the seed that replays it and the last things that happened. */
export async function playSeeds(first: number, count: number): Promise<void> {
  for (let seed = first; seed < first + count; seed += 1) {
    const outcome = await simulate(planOf(seed), { remembered: 60 });
    if (outcome.breaches.length > 0) expect.fail(failureOf(outcome));
  }
}

export function failureOf({ seed, breaches, story }: Outcome): string {
  return [
    `seed ${seed} breaks a law; \`npm run simulate -- --seed ${seed}\` plays it again`,
    ...breaches.map(({ law, at, what }) => `${seconds(at)} ${law}: ${what}`),
    "the last events:",
    ...story.map(({ at, who, what }) => `${seconds(at)} ${who}: ${what}`),
  ].join("\n");
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(3).padStart(10)} s`;
