import { failureOf } from "./failure.js";
import { simulate } from "./simulate.js";
import { labPlan, type PlanKind, planOf } from "./world/plan.js";

/**
 * The program that plays: `player FIRST STEP COUNT SECONDS KIND`. Plays plans FIRST, FIRST + STEP … until a law is broken, COUNT are played or
 * SECONDS have gone by, and writes one line of JSON after each.
 */
const [first = 1, step = 1, count = 1, seconds = 60] = process.argv.slice(2, 6).map(Number);
const kind = process.argv[6] as PlanKind | undefined;
const until = Date.now() + seconds * 1000;

for (let played = 0; played < count && Date.now() < until; played += 1) {
  const seed = first + played * step;
  const plan = kind === "lab" ? labPlan(seed) : planOf(seed, kind);
  const outcome = await simulate(plan, { remembered: 60 });
  const { breaches, simulatedMs, steps, faults, taken } = outcome;
  const line: Played = {
    seed,
    kind: plan.kind,
    simulatedMs,
    steps,
    faults,
    taken: [...taken],
    ...(breaches[0] ? { law: breaches[0].law, failure: failureOf(outcome) } : {}),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  if (breaches.length > 0) break;
}

/** What the player says of each plan. */
export interface Played {
  readonly seed: number;
  readonly kind: string;
  readonly simulatedMs: number;
  readonly steps: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly taken: ReadonlyArray<readonly [string, number]>;
  readonly law?: string;
  readonly failure?: string;
}
