import { expect, test } from "vitest";
import { simulate } from "./simulate.js";
import { labPlan, type Plan, planOf } from "./world/plan.js";

/** A small lab for two hours, whose messages all take the same time: heartbeats more or fewer change nothing else then. */
function smallLab(seed: number): Plan {
  const plan = labPlan(seed);
  return {
    ...plan,
    machines: plan.machines.slice(0, 4).map((machine) => ({ ...machine, rate: 1 })),
    fixedNodes: 4,
    activeMs: 2 * 3_600_000,
    jobs: 12,
    longestJobMs: 1_800_000,
    faultEveryMs: 900_000,
    operatorEveryMs: 900_000,
    jitter: false,
  };
}

test("what is skipped changes nothing of what is seen of the rest", async () => {
  for (const seed of [1, 2, 3]) {
    const skipped = await simulate(smallLab(seed), { remembered: 40 });
    const whole = await simulate(smallLab(seed), { remembered: 40, everyHeartbeat: true });
    expect(skipped.breaches).toEqual([]);
    expect(skipped.history.length).toBeGreaterThan(30);
    expect(skipped.history).toEqual(whole.history);
    expect(skipped.faults).toEqual(whole.faults);
    expect(skipped.steps).toBeLessThan(whole.steps / 3);
  }
}, 120_000);

test("a seed plays the same each time", async () => {
  for (const seed of [7, 8, 9]) {
    const [one, other] = [await simulate(planOf(seed)), await simulate(planOf(seed))];
    expect(other.history).toEqual(one.history);
    expect(other.steps).toBe(one.steps);
  }
});
