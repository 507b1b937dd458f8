import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { AttemptUsageSchema, HistorySchema } from "../../shared/gen/stoker/v1/history_pb.js";
import { jobUsage, jobUsageJson } from "./job-usage.js";
import { nodeHistory } from "./node-history.js";
import { sparkline } from "./sparkline.js";

const from = timestampFromMs(Date.UTC(2026, 10, 21, 12, 0, 0));
const gib = 2 ** 30;

it("a course is drawn by blocks, several steps in one where there are many, and gaps stay blank", () => {
  expect(sparkline([0, 50, 100, Number.NaN, 12.5], 100)).toBe("▁▅█ ▂");
  expect(sparkline([0, 100, 100, 100], 100, 2)).toBe("▅█");
  expect(sparkline([0, 0], 0)).toBe("▁▁");
});

it("a node's history has a line for each thing that was measured", () => {
  const series = [
    { name: "cpu_percent", means: [10, Number.NaN, 30], mosts: [20, Number.NaN, 90] },
    { name: "gpu:GPU-1:memory_used_bytes", means: [gib, 2 * gib, 3 * gib], mosts: [gib, 2 * gib, 4 * gib] },
    { name: "load1", means: [Number.NaN], mosts: [Number.NaN] },
  ];
  const shown = nodeHistory(create(HistorySchema, { from, stepMs: 300_000n, series })).split("\n");
  expect(shown[0]).toMatch(/in steps of 5 min$/);
  expect(shown[3]).toMatch(/^cpu_percent +20 % +90 % +▁ ▃$/);
  expect(shown[4]).toMatch(/^gpu:GPU-1:memory_used_bytes +2\.0 GiB +4\.0 GiB +▃▅▇$/);
  expect(shown).toHaveLength(6);
  expect(nodeHistory(create(HistorySchema, { from }))).toBe("Nothing was measured in that time.\n");
});

it("what an attempt made of its GPUs is told with advice", () => {
  const gpu = {
    ...{ nodeName: "m1", uuid: "GPU-1", index: 0, utilizationPercent: 42.4, idlePercent: 30 },
    ...{ memoryMostBytes: BigInt(gib), memoryBytes: BigInt(4 * gib), powerWatts: 250 },
    history: {
      series: [
        { name: "gpu:GPU-1:utilization_percent", means: [0, 100], mosts: [] },
        { name: "gpu:GPU-1:memory_used_bytes", means: [gib, 4 * gib], mosts: [] },
        { name: "gpu:GPU-1:power_watts", means: [100, 200], mosts: [] },
      ],
    },
  };
  const usage = create(AttemptUsageSchema, { attempt: 2, from, to: from, gpus: [gpu], advice: ["Ask for fewer."] });
  const shown = jobUsage(usage);
  expect(shown).toMatch(/^Attempt 2, /);
  expect(shown).toMatch(/m1 +0 +42 % +30 % +1\.0 of 4 GiB +250 W +▁█ +▃█ +▅█/);
  expect(shown).toContain("- Ask for fewer.\n");
  expect(JSON.parse(jobUsageJson(usage))).toMatchObject({ attempt: 2, gpus: [{ uuid: "GPU-1", idlePercent: 30 }] });
  expect(jobUsage(create(AttemptUsageSchema, { attempt: 1, from, to: from }))).toContain("It held no GPUs.");
});
