import { expect, test } from "vitest";
import { admitDuration, admitMemory } from "./quantities.js";

const hour = 3_600_000;

test.each([
  ["P7D", 168 * hour],
  ["P1W", 168 * hour],
  ["PT1H30M", 1.5 * hour],
  ["P1DT12H", 36 * hour],
  ["PT0.5S", 500],
  ["7.00:00:00", 168 * hour],
  ["01:30:00", 1.5 * hour],
  ["00:05", hour / 12],
])("%s is a duration", (text, ms) => {
  expect(admitDuration("d", text)).toBe(ms);
});

test.each(["", "P", "PT", "P1M2X", "P1Y", "7 days", "25:00:00", "00:00:00", "-PT1H", "PT", "P99999999D"])(
  '"%s" is none',
  (text) => {
    expect(() => admitDuration("constraints.maxWallClockTime", text)).toThrow(/^constraints.maxWallClockTime: /);
  },
);

test.each([
  ["16g", 16 * 2 ** 30],
  ["512MiB", 512 * 2 ** 20],
  ["1.5GB", 1.5 * 2 ** 30],
  ["1024", 1024],
  ["", undefined],
])("%s is an amount of memory", (text, bytes) => {
  expect(admitMemory("m", text)).toBe(bytes);
});

test.each(["much", "-1g", "0", "1e3", "9999999t"])('"%s" is none', (text) => {
  expect(() => admitMemory("resources.memory", text)).toThrow(/^resources.memory: /);
});
