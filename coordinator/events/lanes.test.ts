import fc from "fast-check";
import { expect, it } from "vitest";
import { jittered, Lanes } from "./lanes.js";

it("events of one subject go one after another, those of others beside it", () => {
  const lanes = new Lanes("s");
  lanes.add(1, "a");
  lanes.add(2, "a");
  lanes.add(3, "b");
  expect([lanes.take(0), lanes.take(0), lanes.take(0)]).toEqual([1, 3, undefined]);
  lanes.settled(1, "delivered");
  expect(lanes.take(0)).toBe(2);
});

it("one that fails holds up its own subject alone, and is tried again with a growing pause", () => {
  const lanes = new Lanes("s");
  lanes.add(1, "a");
  lanes.add(2, "b");
  expect(lanes.take(0)).toBe(1);
  const first = lanes.failed(1, 0);
  expect(first).toBeGreaterThanOrEqual(800);
  expect(first).toBeLessThanOrEqual(1200);
  expect(lanes.take(0)).toBe(2);
  lanes.settled(2, "delivered");
  expect(lanes.take(0)).toBeUndefined();
  expect(lanes.nextAt()).toBe(first);
  expect(lanes.take(first)).toBe(1);
  expect(lanes.failed(1, first) - first).toBeGreaterThanOrEqual(1600);
  expect(lanes.take(10_000)).toBe(1);
  expect(lanes.failed(1, 10_000, 60_000)).toBe(70_000);
});

it("a receiver that is away is asked by one event at a time, and gets all the others as soon as it is back", () => {
  const lanes = new Lanes("s");
  for (let number = 1; number <= 20; number += 1) lanes.add(number, `subject ${number}`);
  let now = 0;
  for (let failure = 0; failure < 6; failure += 1) {
    now = Math.max(now, lanes.nextAt() ?? now);
    const number = lanes.take(now);
    expect(number).toBeDefined();
    if (failure >= 3) expect(lanes.take(now)).toBeUndefined();
    lanes.failed(number ?? 0, now);
  }
  now = lanes.nextAt() ?? 0;
  const probe = lanes.take(now) ?? 0;
  lanes.settled(probe, "delivered");
  expect([1, 2, 3, 4, 5].map(() => lanes.take(now) !== undefined)).toEqual([true, true, true, true, false]);
});

it("whatever fails, each subject's events come in their order and every one comes", () => {
  const plan = fc.array(fc.record({ subject: fc.integer({ min: 0, max: 4 }), fails: fc.integer({ min: 0, max: 5 }) }));
  fc.assert(
    fc.property(plan, (events) => {
      const lanes = new Lanes("s");
      const left = events.map(({ fails }) => fails);
      const got: number[] = [];
      for (const [at, { subject }] of events.entries()) lanes.add(at, String(subject));
      for (let now = 0; lanes.size > 0; now = lanes.nextAt() ?? now) {
        for (let number = lanes.take(now); number !== undefined; number = lanes.take(now)) {
          if ((left[number] ?? 0) > 0) {
            left[number] = (left[number] ?? 0) - 1;
            lanes.failed(number, now);
          } else {
            got.push(number);
            lanes.settled(number, "delivered");
          }
        }
      }
      expect([...got].sort((a, b) => a - b)).toEqual(events.map((_, at) => at));
      for (const subject of [0, 1, 2, 3, 4]) {
        const own = got.filter((number) => events[number]?.subject === subject);
        expect(own).toEqual([...own].sort((a, b) => a - b));
      }
    }),
  );
});

it("jitter is the same for the same seed", () => {
  expect(jittered(1000, "a")).toBe(jittered(1000, "a"));
  expect(new Set(["a", "b", "c", "d"].map((seed) => jittered(1000, seed))).size).toBeGreaterThan(2);
});
