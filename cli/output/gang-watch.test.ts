import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { AttemptUsageSchema } from "../../shared/gen/stoker/v1/history_pb.js";
import { ExecutionState, JobSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { NodeSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { efficiencyLines } from "./efficiency.js";
import { jobUsage } from "./job-usage.js";
import { views } from "./views/index.js";

const gib = 2n ** 30n;
const since = timestampFromMs(Date.UTC(2026, 10, 21, 12));
const later = timestampFromMs(Date.UTC(2026, 10, 21, 14));
const hang = { kind: "hang", rule: "hang", attempt: 1, message: "the job seems to hang", since };
const idle = { kind: "idle", rule: "idle", attempt: 1, message: "2 GPUs are not used", since, endTime: later };

it("a job's state is marked with what is suspected now; its details tell what was, too", () => {
  const job = create(JobSchema, { name: "train", executionState: ExecutionState.RUNNING, findings: [hang, idle] });
  expect(views.job.cells(job)).toContain("running (hang?)");
  const rows = views.job.rows(job);
  expect(rows.find(([label]) => label === "Hang?")?.[1]).toMatch(/^since .*: the job seems to hang$/);
  expect(rows.find(([label]) => label === "Idle GPUs")?.[1]).toMatch(/ to .*: 2 GPUs are not used$/);
});

it("a node is shown with each of its GPUs: how it is, what it does, and for which job", () => {
  const node = create(NodeSchema, {
    inventory: {
      gpus: [
        { uuid: "GPU-1", index: 0, model: "A100", memoryBytes: 80n * gib },
        { uuid: "GPU-2", index: 1, model: "A100", memoryBytes: 80n * gib },
      ],
    },
    telemetry: {
      gpus: [
        { uuid: "GPU-1", utilizationPercent: 99.6, memoryUsedBytes: 41n * gib, temperatureCelsius: 60, powerWatts: 91 },
      ],
    },
    gpuFaults: [{ uuid: "GPU-2", state: "draining", message: "rows are to be remapped" }],
    allocations: [{ jobId: "workspaces/w/experiments/e/jobs/train", gpuUuids: ["GPU-1"], suspected: ["hang"] }],
  });
  const rows = views.node.rows(node);
  expect(rows.filter(([label]) => /^GPU \d/.test(label))).toEqual([
    ["GPU 0", "A100, GPU-1, healthy, job train (hang?), 41 GiB of 80 GiB, 100 %, 60 °C, 91 W"],
    ["GPU 1", "A100, GPU-2, draining, free, 80 GiB"],
  ]);
});

const gpu = { nodeName: "m1", uuid: "GPU-1", index: 0, memoryBytes: 80n * gib, memoryMostBytes: 20n * gib };

it("an attempt's efficiency is one line, with its idle time, and then the advice", () => {
  const usage = create(AttemptUsageSchema, {
    ...{ attempt: 1, from: since, to: later, advice: ["Ask for fewer."], findings: [idle] },
    gpus: [
      { ...gpu, utilizationPercent: 80, idlePercent: 10 },
      { ...gpu, index: 1, utilizationPercent: 0, idlePercent: 100 },
    ],
  });
  expect(efficiencyLines(usage)).toEqual([
    "2 GPUs 40 % busy, idle 55 % of the time (2.2 GPU hours), memory full to 25 % at most",
    "Ask for fewer.",
  ]);
  expect(jobUsage(usage)).toMatch(/- 2 GPUs 40 % busy.*\n- Ask for fewer\.\n- Idle GPUs .*: 2 GPUs are not used\n$/);
  expect(efficiencyLines(create(AttemptUsageSchema, { gpus: [gpu] }))).toEqual([]);
});
