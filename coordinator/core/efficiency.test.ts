import { describe, expect, it } from "vitest";
import { adviceFor, efficiencyOf } from "./efficiency.js";

const none = Number.NaN;
const long = 3_600_000;
const gib = 2 ** 30;

describe("what was made of a GPU", () => {
  it("is told from what was measured, and of what was not nothing is told", () => {
    const measured = { utilizationPercent: [none, 0, 80, 100], memoryUsedBytes: [gib, none, 3 * gib], powerWatts: [] };
    expect(efficiencyOf(measured)).toEqual({
      utilizationPercent: 60,
      idlePercent: 100 / 3,
      memoryMostBytes: 3 * gib,
    });
    expect(efficiencyOf({ utilizationPercent: [], memoryUsedBytes: [], powerWatts: [none] })).toEqual({});
  });
});

const gpu = (utilizationPercent: number, idlePercent: number, used = 40) => ({
  ...{ name: `GPU ${utilizationPercent}`, utilizationPercent, idlePercent },
  ...{ memoryMostBytes: used * gib, memoryBytes: 80 * gib },
});

describe("advice", () => {
  it.each([
    ["none was used", [gpu(0, 100), gpu(0, 100)], /^No GPU was used/],
    ["one was not", [gpu(0, 100), gpu(90, 0)], /^1 of 2 GPUs were never used \(GPU 0\)/],
    ["they waited", [gpu(50, 45)], /^GPUs waited 45 % of the time/],
    ["they were not busy", [gpu(20, 5)], /^GPUs were at 20 % on average/],
    ["memory was empty", [gpu(90, 0, 8)], /^At most 10 % of a GPU's memory/],
    ["memory was full", [gpu(90, 0, 79)], /^A GPU's memory was full/],
  ])("%s", (_, gpus, expected) => {
    expect(adviceFor(gpus, long)).toEqual([expect.stringMatching(expected)]);
  });

  it("is none when all is well, when little is known, and for what was short", () => {
    expect(adviceFor([gpu(95, 1)], long)).toEqual([]);
    expect(adviceFor([{ name: "GPU 0", memoryBytes: gib }], long)).toEqual([]);
    expect(adviceFor([gpu(0, 100)], 60_000)).toEqual([]);
  });
});
