import { expect, test } from "vitest";
import { percentile } from "./measure.js";

test("percentiles are of the nearest rank", () => {
  const samples = Array.from({ length: 30 }, (_, index) => 30 - index);
  expect(percentile(samples, 50)).toBe(15);
  expect(percentile(samples, 95)).toBe(29);
  expect(percentile(samples, 99)).toBe(30);
  expect(percentile([7], 50)).toBe(7);
  expect(() => percentile([], 50)).toThrow("no samples");
});
