import { expect, test } from "vitest";
import { figures } from "./figures/index.js";
import { unitOf } from "./unit.js";

test("every figure's name ends with its unit, and none is there twice", () => {
  const keys = figures.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  for (const key of keys) expect(unitOf(key)).not.toBe("");
  expect(unitOf("jobsPerSecond")).toBe("/s");
  expect(unitOf("telemetryBytesPerNodePerSecond")).toBe("B/s");
  expect(unitOf("agentRssMiB")).toBe("MiB");
  expect([unitOf("coordinatorRestartMs", "p50"), unitOf("coordinatorRestartMs", "jobsLost")]).toEqual(["ms", "jobs"]);
  expect(() => unitOf("jobs")).toThrow("ends with no unit");
});
