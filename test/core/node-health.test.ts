import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, it } from "vitest";
import { nodeView } from "../../coordinator/api/views/node.js";
import type { Effect } from "../../coordinator/core/effects.js";
import { explain } from "../../coordinator/core/explain.js";
import { penaltyOf, pointsOf } from "../../coordinator/core/health/penalty.js";
import type { NodeHealth } from "../../coordinator/core/health/record.js";
import { liveGang } from "../../coordinator/ownership.js";
import { HeartbeatSchema, TestResultSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { GpuFaultSchema, TestCheckSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { CoreWorld, type JobInit, ready } from "../build.js";

const dayMs = 24 * 3_600_000;
const one: JobInit = { resources: { gpus: 1 } };
const broken = { uuid: "a-gpu-0", state: "failed", rule: "xid-48", message: "GPU 0 (a-gpu-0) had memory errors" };

let world: CoreWorld;
let sessions: Map<string, string>;
let effects: readonly Effect[];
let hellos = 0;

beforeEach(() => {
  world = new CoreWorld();
  sessions = new Map();
  effects = [];
  hellos = 0;
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: 2 } } });
  connect("a");
});

function connect(name: string): void {
  world.hello(name, { gpus: 2 });
  hellos += 1;
  sessions.set(name, `s${hellos}`);
}

let sequence = 0n;

interface Said {
  faults?: Array<MessageInitShape<typeof GpuFaultSchema>>;
  node?: string;
  tests?: boolean;
  unread?: boolean;
}

function beat(name: string, { faults = [], node = "", tests = true, unread = false }: Said = {}): void {
  sequence += 1n;
  const leases = [...world.state.jobs.values()].flatMap(({ state }) =>
    "lease" in state && state.lease.shares.some((share) => share.nodeName === name)
      ? [{ leaseId: state.lease.id }]
      : [],
  );
  const heartbeat = create(HeartbeatSchema, {
    ...{ sequence, gpuFaults: faults, leases, tests, gpusUnread: unread },
    nodeFaults: node === "" ? [] : [{ rule: node, message: `${node}: mend it` }],
    unhealthyReason: node,
  });
  const session = sessions.get(name) ?? "";
  effects = world.send({ kind: "agent-heartbeat", session, node: name, heartbeat }).effects;
}

const ordered = () => effects.flatMap((effect) => (effect.kind === "test-node" ? [effect] : []));

function answer(name: string, ...checks: Array<MessageInitShape<typeof TestCheckSchema>>): void {
  const testId = health(name)?.tests.at(-1)?.id ?? "";
  const result = create(TestResultSchema, { testId, checks });
  world.send({ kind: "agent-test", session: sessions.get(name) ?? "", node: name, result });
}

function health(name: string): NodeHealth | undefined {
  const row = [...world.state.nodes.values()].find((node) => node.name === name);
  return row && world.state.nodeHealth.get(row.uuid);
}

function view(name: string) {
  const row = [...world.state.nodes.values()].find((node) => node.name === name);
  if (!row) throw new Error(`there is no node ${name}`);
  return nodeView(world.state, row, undefined);
}

function placeOf(name: string): { node?: string | undefined; gpus?: readonly string[] | undefined } {
  const state = world.job(name)?.state;
  const share = state && "lease" in state ? state.lease.shares[0] : undefined;
  return { node: share?.nodeName, gpus: share?.held.gpuUuids };
}

const passed = { name: "cuda", gpuUuid: "a-gpu-0", outcome: "passed", message: "1 GiB written and read back" };
const bad = { ...passed, outcome: "failed", message: "3 words came back wrong" };

describe("a GPU that was out of service", () => {
  it("comes back by a test that it passes, and not before", () => {
    beat("a", { faults: [broken] });
    world.submit("other", one);
    world.submit("j", one);
    beat("a");
    expect(placeOf("j").gpus).toBeUndefined();
    expect(view("a").gpuHealth?.[0]).toMatchObject({ state: "in test" });
    expect(ordered()).toMatchObject([{ uuids: ["a-gpu-0"], quick: false, peers: [] }]);
    answer("a", passed);
    expect(placeOf("j").gpus).toEqual(["a-gpu-0"]);
    expect(health("a")).toMatchObject({ out: [], tests: [{ state: "passed", purpose: "return" }] });
  });

  it("stays out when its test fails, and while it was not looked at", () => {
    beat("a", { faults: [broken] });
    beat("a", { unread: true });
    expect(health("a")?.tests).toEqual([]);
    beat("a");
    answer("a", bad);
    beat("a", { faults: [{ ...broken, rule: "test", message: "GPU 0 (a-gpu-0) failed its test" }] });
    world.submit("other", one);
    world.submit("j", one);
    expect(placeOf("j").gpus).toBeUndefined();
    expect(view("a")).toMatchObject({
      gpuHealth: [{ state: "failed" }, { state: "healthy" }],
      tests: [{ state: "failed", summary: "1 of 1 checks failed: 3 words came back wrong" }],
    });
  });

  it("is still out after a restart of the coordinator, before its agent has said a word, and its test is ordered again", () => {
    beat("a", { faults: [broken] });
    beat("a");
    expect(ordered()).toHaveLength(1);
    world.restart();
    connect("a");
    world.submit("other", one);
    world.submit("j", one);
    expect(placeOf("j").gpus).toBeUndefined();
    beat("a");
    expect(ordered()).toHaveLength(1);
    beat("a");
    expect(ordered()).toEqual([]);
    answer("a", passed);
    expect(placeOf("j").gpus).toEqual(["a-gpu-0"]);
  });

  it("comes back at once where its agent can't test", () => {
    beat("a", { faults: [broken], tests: false });
    beat("a", { tests: false });
    expect(health("a")).toMatchObject({ out: [], tests: [] });
  });

  it("comes back by force, whatever its agent says, until that has ended and begins again", () => {
    beat("a", { faults: [broken] });
    const back = (force: boolean) => () => world.send({ kind: "gpu-return", id: "nodes/a", gpu: "0", force });
    expect(back(false)).toThrow(/still holds: mend it first, or return the GPU by --force/);
    back(true)();
    world.submit("other", one);
    world.submit("j", one);
    // Behind its neighbour, for what befell it.
    expect(placeOf("other").gpus).toEqual(["a-gpu-1"]);
    expect(placeOf("j").gpus).toEqual(["a-gpu-0"]);
    beat("a", { faults: [broken] });
    expect(world.job("j")?.machineFaults).toBe(0);
    beat("a");
    beat("a", { faults: [broken] });
    expect(world.job("j")?.machineFaults).toBe(1);
  });
});

describe("an operator's test", () => {
  const test = (more: { gpus?: string[]; network?: boolean } = {}) =>
    world.send({ kind: "node-test", id: "nodes/a", gpus: [], network: false, quick: true, ...more });

  it("takes GPUs out of placement, and begins when they are free", () => {
    beat("a");
    world.submit("j", one);
    const lease = [...world.state.jobs.values()].flatMap(({ state }) => ("lease" in state ? [state.lease.id] : []))[0];
    world.report("a", lease ?? "", ready);
    test();
    beat("a");
    expect(ordered()).toEqual([]);
    expect(health("a")?.tests).toMatchObject([{ state: "waiting" }]);
    world.submit("k", one);
    expect(placeOf("k").gpus).toBeUndefined();
    expect(explain(world.state, world.job("k") ?? never(), world.now).summary).toContain("is to be tested");
    world.send({ kind: "job-terminate", id: "workspaces/w/experiments/e/jobs/j" });
    world.report("a", lease ?? "", { case: "done", value: {} });
    beat("a");
    expect(ordered()).toMatchObject([{ uuids: ["a-gpu-0", "a-gpu-1"], quick: true }]);
    answer("a", passed);
    expect(placeOf("k").gpus).toEqual(["a-gpu-0"]);
  });

  it("is refused with what to do", () => {
    expect(test).toThrow(/has not said yet that it can test itself/);
    beat("a");
    expect(() => test({ gpus: ["7"] })).toThrow(/has no GPU 7; it has 0 \(a-gpu-0\), 1 \(a-gpu-1\)/);
    expect(() => test({ network: true })).toThrow(/no other node of the cluster of nodes\/a is free/);
    test({ gpus: ["1"] });
    expect(() => test()).toThrow(/is being tested/);
  });

  it("measures the network to free nodes of its cluster", () => {
    connect("b");
    beat("a");
    beat("b");
    test({ network: true });
    beat("a");
    expect(ordered()).toMatchObject([{ peers: ["b"] }]);
  });

  it("is given up when no result comes, and its GPUs serve again", () => {
    beat("a");
    test();
    beat("a");
    world.now += 3_600_000;
    beat("a");
    expect(health("a")?.tests).toMatchObject([{ state: "given up", summary: "no result came in time" }]);
    world.submit("j", one);
    expect(placeOf("j").gpus).toEqual(["a-gpu-0"]);
  });

  it("that fails for the machine's own sake is remembered of the machine", () => {
    beat("a");
    test();
    beat("a");
    answer("a", { name: "memory", outcome: "failed", message: "a bit of memory flips" });
    expect(view("a").failures).toMatchObject([{ gpuUuid: "", rule: "test" }]);
  });

  it("whose result is another's is not believed", () => {
    beat("a");
    test();
    beat("a");
    const result = create(TestResultSchema, { testId: "x.1", checks: [passed] });
    world.send({ kind: "agent-test", session: sessions.get("a") ?? "", node: "a", result });
    expect(health("a")?.tests).toMatchObject([{ state: "running" }]);
  });
});

describe("what failed here", () => {
  it("puts a GPU behind others, and its node when the job would get it; and a job's history says so", () => {
    connect("b");
    beat("b");
    beat("a", { faults: [broken] });
    beat("a");
    answer("a", passed);
    world.submit("j", one);
    expect(placeOf("j")).toEqual({ node: "a", gpus: ["a-gpu-1"] });
    world.submit("whole", {});
    expect(placeOf("whole").node).toBe("b");
    world.submit("k", one);
    expect(placeOf("k")).toEqual({ node: "a", gpus: ["a-gpu-0"] });
  });

  it("is told of a job that would have been placed there", () => {
    connect("b");
    beat("b");
    beat("a", { faults: [broken] });
    beat("a");
    answer("a", passed);
    world.submit("whole", {});
    expect(placeOf("whole").node).toBe("b");
    const job = world.job("whole") ?? never();
    expect(explain(world.state, job, world.now).reasons).toContainEqual({
      ...{ check: "history", nodes: ["a"], heldBy: [] },
      message: expect.stringMatching(
        /^a was passed over: 1 failure in the last weeks, the latest: GPU 0 .* memory errors$/,
      ),
    });
  });

  it("is remembered once while it lasts, bounded, with its end, over restarts", () => {
    for (let time = 0; time < 30; time++) {
      world.now += 1_000;
      beat("a", { faults: [broken] });
      beat("a", { faults: [broken] });
      beat("a", { tests: false });
    }
    world.restart();
    expect(view("a").failures).toHaveLength(20);
    expect(view("a").failures?.[0]).toMatchObject({ gpuUuid: "a-gpu-0", rule: "xid-48" });
    expect(health("a")?.failures.every(({ until }) => until !== undefined)).toBe(true);
  });

  it("of a machine as a whole is remembered too: its own faults, and its loss with a job", () => {
    beat("a", { node: "read-only" });
    beat("a");
    world.submit("j", one);
    for (let second = 0; second < 40; second++) {
      world.now += 1_000;
      world.send({ kind: "tick" });
    }
    expect(view("a").failures).toMatchObject([
      { rule: "lost", message: "node a was lost" },
      { rule: "read-only", message: "read-only: mend it" },
    ]);
    expect(view("a").penalty).toBeGreaterThan(0);
  });

  it("counts half as much each week, and nothing after five", () => {
    const failure = { uuid: "g", rule: "r", message: "", since: 0, until: 1_000 };
    const points = [0, 6, 7, 14, 21, 28, 35, 42].map((days) => pointsOf(failure, 1_000 + days * dayMs));
    expect(points).toEqual([16, 16, 8, 4, 2, 1, 0, 0]);
    expect(pointsOf({ ...failure, until: 100 * dayMs }, 100 * dayMs)).toBe(16);
    const many = Array.from({ length: 20 }, () => failure);
    const record = { node: "n" as never, failures: many, out: [], overlooked: [], tests: [], testCount: 0 };
    expect(penaltyOf(record, "g", 1_000)).toBe(64);
    expect(penaltyOf(record, "other", 1_000)).toBe(0);
  });

  it("goes with its node", () => {
    beat("a", { faults: [broken] });
    world.gone("a");
    world.send({ kind: "node-delete", id: "nodes/a" });
    expect(world.state.nodeHealth.size).toBe(0);
  });
});

it("a job may have its GPUs tested first: the node is told so, and one that fails costs the job no retry", () => {
  connect("b");
  beat("b");
  const { effects: told } = world.submit("j", { ...one, testBeforeStart: true });
  expect(told).toContainEqual(expect.objectContaining({ grant: expect.objectContaining({ testBeforeStart: true }) }));
  const { node = "" } = placeOf("j");
  const lease =
    [...world.state.jobs.values()].flatMap(({ state }) => ("lease" in state ? [state.lease.id] : []))[0] ?? "";
  sequence += 1n;
  const failure = { code: "GpuTestFailed", message: "a test failed: its memory gave 0 back" };
  world.report(node, lease, { case: "failed", value: { error: failure } });
  world.report(node, lease, { case: "done", value: {} });
  expect(world.job("j")).toMatchObject({ retries: 0, machineFaults: 1, attempt: 2 });
  expect(placeOf("j").node).not.toBe(node);
});

it("a cluster may want it for all its jobs, and a job may say otherwise", () => {
  world.cluster("careful", { scaleSettings: { manual: { targetNodeCount: 1 } }, testBeforeStart: true });
  connect("z");
  beat("z");
  const granted = (name: string, own: { testBeforeStart?: boolean }) => {
    const { effects: told } = world.submit(name, { cluster: { id: "careful" }, resources: { gpus: 1 }, ...own });
    return told.flatMap((effect) => (effect.kind === "grant-lease" ? [effect.grant.testBeforeStart] : []));
  };
  expect(granted("j", {})).toEqual([true]);
  expect(granted("k", { testBeforeStart: false })).toEqual([false]);
});

it("a network test tells who is called how, and what was slow between others is no failure", () => {
  connect("b");
  beat("a");
  beat("b");
  world.send({ kind: "node-test", id: "nodes/a", gpus: [], network: true, quick: true });
  beat("a");
  expect(ordered()).toMatchObject([{ hosts: [{ node: "a" }, { node: "b" }] }]);
  const testId = health("a")?.tests.at(-1)?.id ?? "";
  expect(liveGang(world.state, testId)).toMatchObject({ members: [{ node: "a" }, { node: "b" }], launcher: "a" });
  expect(liveGang(world.state, `${testId}7`)).toBeUndefined();
  const slow = { name: "network", peer: "b", from: "c", outcome: "warned", message: "by Open MPI: slow" };
  answer("a", passed, slow);
  expect(health("a")?.tests.at(-1)).toMatchObject({
    ...{ state: "passed", summary: "1 of 2 checks found something odd: by Open MPI: slow" },
    checks: [{ outcome: "passed" }, { outcome: "warned", from: "c", peer: "b" }],
  });
  expect(view("a").failures).toEqual([]);
  expect(liveGang(world.state, testId)).toBeUndefined();
});

function never(): never {
  throw new Error("there is no such job");
}
