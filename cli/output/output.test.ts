import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { ExecutionState, JobSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { NodeSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { makeJob } from "../testing/fake-coordinator.js";
import { plain } from "./plain.js";
import { details, table } from "./table.js";
import { views } from "./views/index.js";

test("a job is plain as az printed it: its spec flat, words for enumerations, ISO times", () => {
  const job = create(JobSchema, {
    id: "i",
    name: "n",
    spec: { nodeCount: 2, toolkit: { case: "customMpiSettings", value: { commandLine: "x" } } },
    executionState: ExecutionState.QUEUED,
    creationTime: timestampFromMs(Date.UTC(2026, 0, 31, 10)),
    executionInfo: { exitCode: 0, startTime: timestampFromMs(Date.UTC(2026, 0, 31, 10, 0, 0, 250)) },
  });
  expect(plain(JobSchema, job)).toEqual({
    id: "i",
    name: "n",
    nodeCount: 2,
    customMpiSettings: { commandLine: "x" },
    executionState: "queued",
    creationTime: "2026-01-31T10:00:00Z",
    executionInfo: { startTime: "2026-01-31T10:00:00.250Z", exitCode: 0, errors: [] },
    attempt: 0,
    attempts: [],
    findings: [],
  });
});

test("64-bit numbers are numbers; what was not measured is absent", () => {
  const node = create(NodeSchema, {
    inventory: { memoryBytes: 2n ** 40n, gpus: [{ uuid: "GPU-1", index: 0 }] },
    telemetry: { cpuPercent: 0 },
  });
  expect(plain(NodeSchema, node)).toMatchObject({
    drained: false,
    inventory: { memoryBytes: 2 ** 40, gpus: [{ uuid: "GPU-1", index: 0 }] },
    telemetry: { cpuPercent: 0, gpus: [] },
  });
  expect(plain(NodeSchema, node).telemetry).not.toHaveProperty("load1");
});

test("show tells each attempt with its nodes and end", () => {
  const job = makeJob({
    attempts: [
      {
        number: 1,
        state: "lost",
        reason: "node m1 was lost",
        nodes: [
          { name: "m1", frozenSince: timestampFromMs(Date.UTC(2026, 10, 21, 12, 1, 7)), frozenReason: "not heard" },
          { name: "m2" },
        ],
      },
      { number: 2, state: "failed", exitCode: 3, nodes: [{ name: "m3" }] },
    ],
  });
  const text = details(views.job.rows(job));
  expect(text).toMatch(/^Attempt 1: +lost on m1, m2: node m1 was lost$/m);
  expect(text).toMatch(/^Frozen: +m1 since 2026-11-21 12:01:07Z: not heard$/m);
  expect(text).toMatch(/^Attempt 2: +failed on m3: exit code 3$/m);
});

test("text from elsewhere can't break a table or move the cursor", () => {
  expect(table(["A", "B"], [["x\u001b[2J\ny", "z"]])).toBe("A        B\n-------  -\nx [2J y  z\n");
});
