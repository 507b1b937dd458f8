import { expect, it } from "vitest";
import { bootClock } from "./boot-clock.js";

it("is the machine's time since its start", () => {
  const clock = bootClock();
  const first = clock.monotonic();
  expect(first).toBeGreaterThan(0);
  expect(clock.monotonic()).toBeGreaterThanOrEqual(first);
});

it("counts sleep, and is never ahead of the truth nor goes back", () => {
  let truth = 5_000.7;
  let awake = 100.2;
  // As the kernel says it: in hundredths of a second, cut off.
  const clock = bootClock(
    () => Math.floor(truth / 10) * 10,
    () => awake,
  );
  let before = Number.NEGATIVE_INFINITY;
  for (const [passedMs, asleepMs] of [
    [3, 0],
    [4.5, 0],
    [0.1, 0],
    [1_000, 60_000],
    [7, 0],
  ] as const) {
    truth += passedMs + asleepMs;
    awake += passedMs;
    const said = clock.monotonic();
    expect(said).toBeLessThanOrEqual(truth + 1e-6);
    expect(said).toBeGreaterThan(truth - 10);
    expect(said).toBeGreaterThanOrEqual(before);
    before = said;
  }
});
