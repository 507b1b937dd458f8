import { expect } from "vitest";
import { failureOf } from "./failure.js";
import { simulate } from "./simulate.js";
import { planOf } from "./world/plan.js";

/** `count` plans from `first` on. A broken law fails with the seed that replays it and the last things that happened. */
export async function playSeeds(first: number, count: number): Promise<void> {
  for (let seed = first; seed < first + count; seed += 1) {
    const outcome = await simulate(planOf(seed), { remembered: 60 });
    if (outcome.breaches.length > 0) expect.fail(failureOf(outcome));
    // A run lets nothing else of this process have a turn, and vitest wants to hear from it.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
