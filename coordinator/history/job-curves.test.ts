import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { jobId } from "../../shared/ids.js";
import { until } from "../../test/fakes/until.js";
import { keptStepsMax, thinned } from "../core/efficiency-curves.js";
import type { Attempt, Node } from "../core/state.js";
import type { Read } from "./histories.js";
import { JobCurves } from "./job-curves.js";

const job = jobId("00000000-0000-4000-8000-000000000001");
const begin = 1_000_000;
let folder: string;
let known: boolean;
let full: boolean;
let curves: JobCurves;

const node = {
  name: "n1",
  inventory: { gpus: [0, 1].map((index) => ({ uuid: `g${index}`, index, model: "A", memoryBytes: 100 })) },
} as unknown as Node;

/** GPU 0 was busy in the second half, and full for one sample. */
function read(_: Node, from: number, to: number): Read | undefined {
  if (!known) return undefined;
  const steps = Math.ceil((to - from) / 10_000);
  const course = (of: (at: number) => number) => Array.from({ length: steps }, (_, at) => of(at));
  const series = (name: string, of: (at: number) => number) => ({ name, means: course(of), mosts: course(of) });
  return {
    ...{ from, stepMs: 10_000 },
    series: [
      series("cpu_percent", () => 1),
      series("gpu:g0:utilization_percent", (at) => (at >= steps / 2 ? 80 : 0)),
      series("gpu:g0:memory_used_bytes", (at) => (at === 7 ? 90 : 10)),
      series("gpu:g0:power_watts", () => 123.456),
      series("gpu:g1:utilization_percent", () => 1),
    ],
  };
}

function make(): JobCurves {
  const host = { node: (name: string) => (known && name === "n1" ? node : undefined), read, full: () => full };
  return new JobCurves(folder, { ...host, now: () => begin + 20_000_000 }, pino({ level: "silent" }), 10);
}

const attempt = (number = 1, ended = true): Attempt => ({
  ...{ job, number, state: "succeeded", startedAt: begin, reason: "", rankCount: 1, exits: [] },
  nodes: [{ name: "n1", address: "", gpuUuids: ["g0"] }],
  ...(ended ? { endedAt: begin + 10_000_000 } : {}),
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stoker-curves-"));
  [known, full] = [true, false];
  curves = make();
});

afterEach(() => {
  curves.close();
  rmSync(folder, { recursive: true, force: true });
});

const files = () => readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)));

it("what an attempt did stays with its job when what its nodes measured is long forgotten", async () => {
  const before = curves.of(attempt());
  expect(before).toMatchObject([
    { nodeName: "n1", uuid: "g0", efficiency: { utilizationPercent: 40, idlePercent: 50, memoryMostBytes: 90 } },
  ]);
  const [gpu] = before;
  expect(gpu?.curves.map(({ name }) => name)).toEqual([
    ...["gpu:g0:utilization_percent", "gpu:g0:memory_used_bytes", "gpu:g0:power_watts"],
  ]);
  expect(gpu?.curves[0]?.means.length).toBeLessThanOrEqual(keptStepsMax);
  expect(Math.max(...(gpu?.curves[1]?.mosts ?? []))).toBe(90);
  curves.changed([attempt(), attempt(2, false)]);
  await until("the file", () => files().length > 0);
  expect(files()).toEqual(["1.json.gz"]);
  known = false;
  const after = make().of(attempt());
  expect(after[0]).toMatchObject({ efficiency: { idlePercent: 50 }, curves: [gpu?.curves[0], gpu?.curves[1], {}] });
  expect(after[0]?.curves[2]?.means[0]).toBe(123.5);
  curves.remove(job);
  expect(readdirSync(folder)).toEqual([]);
});

it("an attempt that ended when nobody could keep it is kept after the next start; of jobs that are gone nothing stays", async () => {
  curves.changed([attempt()]);
  curves.close();
  expect(readdirSync(folder)).toEqual([]);
  curves = make();
  const other = { ...attempt(), job: jobId("00000000-0000-4000-8000-000000000002") };
  curves.sweep([
    { job, attempts: [attempt()] },
    { job: other.job, attempts: [other] },
  ]);
  await until("both", () => files().length === 2);
  curves.sweep([{ job, attempts: [attempt()] }]);
  expect(readdirSync(folder)).toEqual([job]);
});

it("only the newest attempts of a job are kept, and nothing while the disk is full", async () => {
  full = true;
  curves.changed([attempt()]);
  await new Promise((resume) => setTimeout(resume, 50));
  full = false;
  for (let number = 1; number <= 25; number++) curves.changed([attempt(number)]);
  await until("the last", () => files().includes("25.json.gz") && files().length === 20);
});

it("a file that was spoiled is as none", async () => {
  curves.changed([attempt()]);
  await until("the file", () => files().length > 0);
  writeFileSync(join(folder, job, "1.json.gz"), readFileSync(join(folder, job, "1.json.gz")).subarray(0, 40));
  expect(curves.of(attempt())).toMatchObject([{ uuid: "g0", efficiency: { idlePercent: 50 } }]);
});

it("several steps become one with their mean and their most; where nothing was measured nothing is told", () => {
  const nothing = Number.NaN;
  const curve = { name: "x", means: [1, 3, nothing, nothing, 5], mosts: [2, 9, nothing, nothing, 6] };
  expect(thinned(curve, 2)).toEqual({ name: "x", means: [2, nothing, 5], mosts: [9, nothing, 6] });
});
