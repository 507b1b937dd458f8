import { beforeEach, expect, it } from "vitest";
import { findingsOf, openFindings } from "../../coordinator/core/gang-watch/findings.js";
import type { Found } from "../../coordinator/core/gang-watch/gang.js";
import { ranksOf, runningGangs } from "../../coordinator/core/gang-watch/gangs.js";
import { isLive } from "../../coordinator/core/indexes.js";
import type { Job } from "../../coordinator/core/state.js";
import { CoreWorld, done, exited, type JobInit, ready } from "../build.js";

const minute = 60_000;
const idleWarningMs = 5 * minute;
let world: CoreWorld;

beforeEach(() => {
  world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  for (const name of ["a", "b"]) world.hello(name, { gpus: 2 });
});

function job(): Job {
  const found = world.job("j");
  if (!found) throw new Error("there is no job j");
  return found;
}

function run(spec: JobInit = {}): Job {
  world.submit("j", { nodeCount: 2, ...spec });
  start();
  return job();
}

function start(): void {
  const { state } = job();
  if (!("lease" in state)) throw new Error(`it is ${state.kind}`);
  for (const { nodeName } of state.lease.shares.filter(isLive)) world.report(nodeName, state.lease.id, ready);
}

function end(): void {
  const { state } = job();
  if (!("lease" in state)) throw new Error(`it is ${state.kind}`);
  for (const { nodeName } of state.lease.shares) {
    world.beat(nodeName, [state.lease.id]);
    world.report(nodeName, state.lease.id, done);
  }
  world.send({ kind: "tick" });
}

function watch(found: Found[], judged = ["hang", "straggler-clock", "idle"]) {
  const { uuid, attempt } = job();
  return world.send({ kind: "gang-watched", job: uuid, attempt, found, judged, idleWarningMs });
}

const gpu = (node: string, index: number) => ({ node, index, uuid: `${node}-gpu-${index}`, ranks: [] });
const everyGpu = ["a", "b"].flatMap((node) => [gpu(node, 0), gpu(node, 1)]);

const hang = (): Found => ({
  ...{ kind: "hang", rule: "hang", gpus: everyGpu, since: world.now - 10 * minute },
  sentence: "the job seems to hang",
});
const straggler = (node: string): Found => ({
  ...{ kind: "straggler", rule: "straggler-clock", gpus: [gpu(node, 0)], since: world.now - 5 * minute },
  sentence: `GPU 0 of ${node} is slower`,
});
const idle = (gpus = everyGpu): Found => ({
  ...{ kind: "idle", rule: "idle", gpus, since: world.now - 30 * minute, sentence: `${gpus.length} GPUs are not used` },
  ...(gpus.length === everyGpu.length ? { whole: true as const } : {}),
});

const open = () => openFindings(job()).map(({ rule, gpus }) => `${rule} ${gpus.length}`);
const rowsOf = (step: ReturnType<typeof watch>) => step.changes.filter(({ kind }) => kind === "put").length;

it("what is found is written when it begins and when it ends, and at no look between", () => {
  run();
  expect(rowsOf(watch([]))).toBe(0);
  expect(rowsOf(watch([hang()]))).toBeGreaterThan(0);
  world.now += minute;
  expect(rowsOf(watch([hang()]))).toBe(0);
  expect(open()).toEqual(["hang 4"]);
  // Nothing was measured: that is no sign that all is well again.
  expect(rowsOf(watch([], []))).toBe(0);
  expect(open()).toEqual(["hang 4"]);
  expect(rowsOf(watch([]))).toBeGreaterThan(0);
  expect(open()).toEqual([]);
  expect(findingsOf(job())).toMatchObject([{ rule: "hang", noticedAt: 1_000_000, endedAt: 1_000_000 + minute }]);
});

it("is told to those who read the files of the job, on the nodes that it is about", () => {
  run();
  const told = (step: ReturnType<typeof watch>) =>
    step.effects.flatMap((effect) => (effect.kind === "note-lease" ? [`${effect.node}: ${effect.text}`] : []));
  expect(told(watch([straggler("b")]))).toEqual(["b: GPU 0 of b is slower"]);
  expect(told(watch([straggler("b"), idle()]))).toEqual(["a: 4 GPUs are not used", "b: 4 GPUs are not used"]);
  expect(told(watch([idle()]))).toEqual(["b: no longer so: GPU 0 of b is slower"]);
  expect(told(watch([idle()]))).toEqual([]);
});

it("two stragglers are two findings, and each ends by itself", () => {
  run();
  watch([straggler("a"), straggler("b")]);
  expect(open()).toEqual(["straggler-clock 1", "straggler-clock 1"]);
  watch([straggler("b")]);
  expect(openFindings(job()).map(({ gpus }) => gpus[0]?.node)).toEqual(["b"]);
});

it("survives a restart, and ends with its attempt", () => {
  run();
  watch([hang()]);
  world.restart();
  expect(open()).toEqual(["hang 4"]);
  world.send({ kind: "job-terminate", id: "workspaces/w/experiments/e/jobs/j" });
  expect(open()).toEqual([]);
  expect(findingsOf(job())[0]?.endedAt).toBe(world.now);
  expect(watch([hang()]).changes).toEqual([]);
});

it("of an attempt that is over nothing is believed", () => {
  run();
  const { uuid } = job();
  const late = {
    kind: "gang-watched",
    job: uuid,
    attempt: 7,
    found: [hang()],
    judged: ["hang"],
    idleWarningMs,
  } as const;
  expect(world.send(late).changes).toEqual([]);
});

it("GPUs that nobody uses are warned of first, then taken, with a code and a sentence", () => {
  run({ idleGpuLimit: "PT30M", onIdleGpus: "terminate" });
  watch([idle()]);
  expect(job().state.kind).toBe("running");
  world.now += 4 * minute;
  watch([idle()]);
  expect(job().state.kind).toBe("running");
  world.now += minute;
  watch([idle()]);
  expect(job().state.kind).toBe("stopping");
  end();
  expect(job().state).toMatchObject({
    kind: "finished",
    outcome: {
      kind: "terminated",
      errors: [
        {
          code: "GpusIdle",
          message: "the job was ended: none of its 4 GPUs was used for 35 minutes, and idleGpuLimit is 30 minutes",
        },
      ],
    },
  });
});

it("its cluster's limit counts for a job that only wants to be warned", () => {
  const idleLimit = { idleGpuLimit: "PT30M", onIdleGpus: "terminate" };
  world.cluster("strict", { scaleSettings: { manual: { targetNodeCount: 1 } }, ...idleLimit });
  world.hello("d", { gpus: 2 });
  run({ cluster: { id: "strict" }, nodeCount: 1, idleGpuLimit: "PT1H", onIdleGpus: "warn" });
  const all = { ...idle([gpu("d", 0), gpu("d", 1)]), whole: true } as const;
  watch([all]);
  world.now += 5 * minute;
  watch([all]);
  expect(job().state).toMatchObject({ kind: "stopping", verdict: { attemptState: "terminated" } });
});

it("are not taken while one of them is used, nor on an old word, nor where a warning is enough", () => {
  run({ idleGpuLimit: "PT30M", onIdleGpus: "terminate" });
  watch([idle(everyGpu.slice(1))]);
  world.now += 60 * minute;
  watch([idle(everyGpu.slice(1))]);
  expect(job().state.kind).toBe("running");
  // Now all are: that is told by itself, and its time begins.
  watch([idle()]);
  expect(open()).toEqual(["idle 4"]);
  world.now += 60 * minute;
  watch([], []);
  expect(job().state.kind).toBe("running");
  watch([idle()]);
  expect(job().state.kind).toBe("stopping");
});

it("a job that is queued again for them is ended when it has been so three times", () => {
  run({ idleGpuLimit: "PT10M", onIdleGpus: "requeue" });
  for (let attempt = 1; attempt <= 4; attempt++) {
    expect(job().attempt).toBe(attempt);
    watch([idle()]);
    world.now += 5 * minute;
    watch([idle()]);
    end();
    if (attempt < 4) start();
  }
  expect(job().state).toMatchObject({ kind: "finished", outcome: { errors: [{ code: "GpusIdle" }] } });
  expect(job().retries).toBe(0);
});

it("a limit that makes no sense is refused with its field", () => {
  expect(() => run({ onIdleGpus: "terminate" })).toThrow(/onIdleGpus: "terminate" needs idleGpuLimit/);
  expect(() => run({ idleGpuLimit: "PT5S" })).toThrow(/idleGpuLimit: is shorter than a minute/);
  expect(() => run({ idleGpuLimit: "PT1H", onIdleGpus: "kill" })).toThrow(/onIdleGpus/);
});

it("the gangs to be watched are those that run on GPUs, with the ranks of each", () => {
  run({ toolkit: { case: "customMpiSettings", value: { commandLine: "train", processCount: 4 } } });
  const [gang] = [...runningGangs(world.state)];
  expect(gang).toMatchObject({ attempt: 1, rankCount: 4, stands: false });
  expect(gang?.gpus.map(({ node, index, ranks }) => `${node}${index}:${ranks}`)).toEqual([
    "a0:0",
    "a1:1",
    "b0:2",
    "b1:3",
  ]);
  expect([
    ranksOf(4, 1, 1, 8),
    ranksOf(4, 4, 5, 8),
    ranksOf(0, 16, 1, 8),
    ranksOf(0, 3, 0, 2),
    ranksOf(0, 0, 0, 8),
  ]).toEqual([[4], [6], [2, 3], [0, 1, 2], []]);
});

it("the GPUs of a node whose ranks have ended are nobody's hang", () => {
  run({ toolkit: { case: "pyTorchSettings", value: { commandLine: "train", processCount: 2 } } });
  const { state } = job();
  if ("lease" in state) world.report("b", state.lease.id, exited(1, 0));
  expect([...runningGangs(world.state)][0]?.gpus.map(({ node }) => node)).toEqual(["a", "a"]);
});
