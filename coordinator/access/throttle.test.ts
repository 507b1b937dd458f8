import { expect, test } from "vitest";
import { Throttle } from "./throttle.js";

function throttled() {
  const clock = { now: 1_000_000 };
  return { clock, throttle: new Throttle(5, () => clock.now) };
}

test("some wrong tries are free; then each waits twice as long as the one before, up to five minutes", () => {
  const { clock, throttle } = throttled();
  for (let tries = 0; tries < 5; tries += 1) throttle.wrong("ada");
  throttle.refuse("ada");
  throttle.wrong("ada");
  expect(() => throttle.refuse("ada")).toThrow("try again in 1 s");
  clock.now += 1_000;
  throttle.refuse("ada");
  throttle.wrong("ada");
  expect(() => throttle.refuse("ada")).toThrow("try again in 2 s");
  for (let tries = 0; tries < 30; tries += 1) throttle.wrong("ada");
  expect(() => throttle.refuse("ada")).toThrow("try again in 300 s");
  throttle.refuse("grace");
});

test("the right one makes up for the wrong ones, and so does time", () => {
  const { clock, throttle } = throttled();
  for (let tries = 0; tries < 10; tries += 1) throttle.wrong("ada");
  throttle.right("ada");
  throttle.refuse("ada");
  for (let tries = 0; tries < 10; tries += 1) throttle.wrong("ada");
  clock.now += 3_600_000;
  throttle.wrong("ada");
  throttle.refuse("ada");
});

test("a flood of made up names takes no more memory than ten thousand", () => {
  const { throttle } = throttled();
  for (let name = 0; name < 30_000; name += 1) throttle.wrong(`name-${name}`);
  expect(throttle.size).toBe(10_000);
});
