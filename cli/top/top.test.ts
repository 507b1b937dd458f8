import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, it } from "vitest";
import { NodeSchema, NodeState } from "../../shared/gen/stoker/v1/node_pb.js";
import { StatusSchema } from "../../shared/gen/stoker/v1/status_pb.js";
import { Courses } from "./courses.js";
import { frame, type Looking } from "./frame.js";
import { keysIn, pressed } from "./keys.js";
import { Picture } from "./picture.js";

const gib = 2n ** 30n;
const since = timestampFromMs(Date.UTC(2026, 10, 21, 12));

const status = create(StatusSchema, {
  nodes: { total: 3, running: 1, gpus: 2, gpusFree: 1 },
  jobs: { running: 1, queued: 4 },
  waits: [{ jobId: "workspaces/w/experiments/e/jobs/big", since, reason: "it needs 9 nodes" }],
  troubles: [{ id: "nodes/m2", kind: "lost", since, message: "its agent\u001b[2J has fallen silent" }],
});

const node = (name: string, utilizationPercent: number) =>
  create(NodeSchema, {
    ...{
      name,
      state: NodeState.RUNNING,
      allocations: [{ jobId: "workspaces/w/experiments/e/jobs/train", suspected: name === "m1" ? ["hang"] : [] }],
    },
    inventory: { memoryBytes: 64n * gib, gpus: [{ uuid: `${name}-0`, index: 0, memoryBytes: 80n * gib }] },
    telemetry: {
      ...{ cpuPercent: 12.4, memoryUsedBytes: 16n * gib },
      gpus: [
        { uuid: `${name}-0`, utilizationPercent, memoryUsedBytes: 40n * gib, temperatureCelsius: 61, powerWatts: 300 },
      ],
    },
    gpuFaults: name === "m1" ? [{ uuid: "m1-0", state: "suspect", message: "slows down for its heat" }] : [],
  });

function shown(columns = 200, rows = 50): string[] {
  const courses = new Courses();
  courses.add([node("m1", 0), node("m3", 100)]);
  courses.add([node("m1", 50), node("m3", 100)]);
  return frame(status, [node("m1", 50), node("m3", 100)], courses, { columns, rows }).lines;
}

it("shows counts, what is wrong, nodes with their GPUs over time, and what waits and why", () => {
  const [head, trouble, , m1, gpu1, m3, gpu3, , title, wait] = shown();
  expect(head).toBe("1 of 3 nodes at work   1 of 2 GPUs taken   1 jobs run, 4 wait");
  expect(trouble).toBe("! m2: its agent [2J has fallen silent");
  expect(m1).toMatch(/^m1 +running +CPU +12% +16\/64 GiB +train \(hang\?\)$/);
  expect(gpu1).toMatch(/^ {2}GPU 0 +▁▅ +50% 40\/80 GiB +61°C +300 W SUSPECT: slows down for its heat$/);
  expect([m3?.slice(0, 2), gpu3]).toEqual(["m3", expect.stringMatching(/██ 100%/)]);
  expect(title).toBe("Waiting longest");
  expect(wait).toMatch(/^ {2}big since .*: it needs 9 nodes$/);
});

it("fits into any terminal", () => {
  for (const [columns, rows] of [
    [80, 24],
    [40, 8],
    [1, 1],
    [20, 3],
  ] as const) {
    const lines = shown(columns, rows);
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
  }
});

const manyNodes = Array.from({ length: 32 }, (_, at) => {
  const name = `m${at}`;
  const uuids = Array.from({ length: 8 }, (_, gpu) => `${name}-${gpu}`);
  return create(NodeSchema, {
    ...{ name, state: NodeState.RUNNING, allocations: [{ jobId: "jobs/train" }] },
    inventory: { memoryBytes: 64n * gib, gpus: uuids.map((uuid, index) => ({ uuid, index, memoryBytes: 80n * gib })) },
    telemetry: { gpus: uuids.map((uuid, gpu) => ({ uuid, utilizationPercent: gpu * 14 })) },
    gpuFaults: at === 31 ? [{ uuid: "m31-3", state: "failed", message: "GPU 3 (m31-3) fell off the bus" }] : [],
  });
});

it("a site that does not fit has a line for each node, and moves", () => {
  const size = { columns: 120, rows: 24 };
  const first = frame(status, manyNodes, new Courses(), size);
  expect(first).toMatchObject({ short: true, from: 0 });
  expect(first.lines[3]).toMatch(/^m31 +running +CPU +▁▂▃▄▅▆▇█ train FAILED: GPU 3 \(m31-3\) fell off the bus$/);
  expect(first.lines.slice(4, 7).map((line) => line.split(" ")[0])).toEqual(["m0", "m1", "m2"]);
  expect(first.lines.some((line) => /^… lines: \d+ below/.test(line))).toBe(true);
  const keys = ["G", "\u001b[5~", "k", "g"];
  const froms: number[] = [];
  let shown = first;
  let looking: Looking = { from: 0 };
  for (const key of keys) {
    const next = pressed(key, looking, shown);
    if (next === undefined || next === "end") throw new Error("it does not move");
    shown = frame(status, manyNodes, new Courses(), size, next);
    looking = { ...next, from: shown.from };
    froms.push(shown.from);
    if (key === "G") expect(shown.lines.join("\n")).toMatch(/^m30 /m);
  }
  const { page } = first;
  expect(froms).toEqual([32 - page, Math.max(0, 32 - 2 * page), Math.max(0, 32 - 2 * page - 1), 0]);
  const detailed = pressed("d", looking, shown);
  if (detailed === undefined || detailed === "end") throw new Error("it shows no more");
  expect(frame(status, manyNodes, new Courses(), size, detailed).lines[4]).toMatch(/^ {2}GPU 0/);
});

it("parts of a GPU are told apart, and are as high as they are full", () => {
  const parts = [0, 1].map((at) => ({
    ...{ uuid: `MIG-${at}`, parentUuid: "GPU-a", index: 0, model: "A100 MIG 3g.40gb", memoryBytes: 40n * gib },
  }));
  const mig = create(NodeSchema, {
    ...{ name: "m1", state: NodeState.IDLE },
    inventory: { gpus: parts },
    telemetry: { gpus: [{ uuid: "MIG-1", memoryUsedBytes: 39n * gib, temperatureCelsius: 40 }] },
  });
  const [, , , , ...lines] = frame(status, [mig], new Courses(), { columns: 80, rows: 30 }).lines;
  expect(lines.slice(0, 2)).toEqual([
    expect.stringMatching(/^ {2}GPU 0\/0$/),
    expect.stringMatching(/^ {2}GPU 0\/1 +39\/40 GiB +40°C$/),
  ]);
  const short = frame(status, [mig], new Courses(), { columns: 80, rows: 30 }, { from: 0, short: true }).lines;
  expect(short[3]).toMatch(/^m1 +idle .* █$/);
});

it("keys are told apart however they come", () => {
  expect(keysIn("jk\u001b[A\u001b[6~\u001bOBq")).toEqual(["j", "k", "\u001b[A", "\u001b[6~", "\u001bOB", "q"]);
});

it("at 80 columns there is room for the job, and for what is wrong", () => {
  const lines = shown(80, 24);
  expect(lines[3]).toMatch(/^m1 .*train \(hang\?\)$/);
  expect(lines[4]).toMatch(/SUSPECT: slows/);
});

it("writes only the lines that changed, and all of them after a change of size", () => {
  const picture = new Picture({
    type: "xterm",
    size: () => ({ columns: 80, rows: 24 }),
    onResize: () => () => undefined,
    raw: () => () => undefined,
  });
  expect(picture.show(["a", "b"])).toBe("\u001b[2J\u001b[1;1Ha\u001b[K\u001b[2;1Hb\u001b[K");
  expect(picture.show(["a", "c"])).toBe("\u001b[2;1Hc\u001b[K");
  expect(picture.show(["a"])).toBe("\u001b[2;1H\u001b[K");
  picture.forget();
  expect(picture.show(["a"])).toContain("\u001b[1;1Ha");
});
