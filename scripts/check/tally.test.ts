import { expect, test } from "vitest";
import { tallyOf } from "./tally.js";

const report = (passed: number, failed: number) => JSON.stringify({ numPassedTests: passed, numFailedTests: failed });

test("counts are vitest's own", () => {
  expect(tallyOf(report(12, 0), 0)).toEqual({ passed: 12, failed: 0 });
  expect(tallyOf(report(12, 3), 1)).toEqual({ passed: 12, failed: 3 });
});

test("a run that failed without a failed test is a failure", () => {
  expect(tallyOf(report(12, 0), 1)).toEqual({ passed: 12, failed: 1 });
  expect(tallyOf(undefined, 1)).toEqual({ passed: 0, failed: 1 });
  expect(tallyOf("{}", 0)).toEqual({ passed: 0, failed: 1 });
});
