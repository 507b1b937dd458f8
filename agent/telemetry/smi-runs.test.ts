import { expect, it } from "vitest";
import { ProgramFailed } from "./limited-output.js";
import { SmiRuns } from "./smi-runs.js";

it("counts every run by its query, and failures by what they mean", async () => {
  const runs = new SmiRuns();
  expect(await runs.timed("sample", async () => 7)).toBe(7);
  const hang = new ProgramFailed("did not end", { exitCode: undefined, output: "", timedOut: true });
  await expect(runs.timed("full", () => Promise.reject(hang))).rejects.toBe(hang);
  expect(runs.of.sample).toMatchObject({ count: 1, failures: new Map() });
  expect(runs.of.full).toMatchObject({ count: 1, failures: new Map([["hangs", 1]]) });
  expect(runs.of.full.seconds).toBeGreaterThanOrEqual(0);
});
