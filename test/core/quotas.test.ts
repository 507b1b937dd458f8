import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { explain } from "../../coordinator/core/explain.js";
import type { Quota } from "../../coordinator/core/quota/quota.js";
import { usagesOfSite, usagesOfWorkspace } from "../../coordinator/core/quota/usages.js";
import { allocationOf } from "../../coordinator/core/scaling/allocation.js";
import { ScaleSettingsSchema } from "../../shared/gen/stoker/v1/cluster_pb.js";
import { CoreWorld, done, exited, ready } from "../build.js";

const scale = (targetNodeCount: number) => ({ scaleSettings: { manual: { targetNodeCount } } });
const auto = (minimumNodeCount: number, maximumNodeCount: number) => ({
  scaleSettings: { autoScale: { minimumNodeCount, maximumNodeCount } },
});

/** Cluster `c` of three nodes with four GPUs each. */
function lab(quota: Quota): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  limit(world, quota);
  world.cluster("c", scale(3));
  for (const name of ["a", "b", "c"]) world.hello(name, { gpus: 4 });
  return world;
}

const limit = (world: CoreWorld, quota: Quota) => world.send({ kind: "workspace-quota", id: "workspaces/w", quota });
const states = (world: CoreWorld) => [...world.state.jobs.values()].map(({ name, state }) => `${name} ${state.kind}`);
const gpus = (count: number) => ({ resources: { gpus: count, cpus: 1 } });

function reasons(world: CoreWorld, name: string): string[] {
  const job = world.job(name);
  if (!job) throw new Error(`there is no job ${name}`);
  return explain(world.state, job, world.now).reasons.map(({ check, message }) => `${check}: ${message}`);
}

function end(world: CoreWorld, name: string, node: string) {
  const lease = `${world.job(name)?.uuid}.1`;
  world.report(node, lease, ready);
  world.report(node, lease, exited(0, 0));
  world.report(node, lease, done);
}

describe("a quota of running jobs", () => {
  it("lets a job wait with the reason, and start as soon as another ends", () => {
    const world = lab({ runningJobs: 1 });
    world.submit("first", {});
    world.submit("second", {});
    expect(states(world)).toEqual(["first preparing", "second queued"]);
    expect(reasons(world, "second")[0]).toBe("quota: workspace w has 1 running job, of 1 that its quota allows");
    end(world, "first", "a");
    expect(states(world)).toEqual(["first finished", "second preparing"]);
  });

  it("is kept by all queues of the workspace together, and a raise frees them at once", () => {
    const world = lab({ runningJobs: 1 });
    world.cluster("d", scale(1));
    world.hello("d");
    world.submit("first", {});
    world.submit("elsewhere", { cluster: { id: "d" } });
    expect(states(world)).toEqual(["first preparing", "elsewhere queued"]);
    world.restart();
    for (const name of ["a", "b", "c", "d"]) world.hello(name, { gpus: name === "d" ? 0 : 4 });
    expect(states(world)).toEqual(["first preparing", "elsewhere queued"]);
    limit(world, { runningJobs: 2 });
    expect(states(world)).toEqual(["first preparing", "elsewhere preparing"]);
  });

  it("of another cluster's job ends, and the one that waited here starts", () => {
    const world = lab({ runningJobs: 1 });
    world.cluster("d", scale(1));
    world.hello("d");
    world.submit("there", { cluster: { id: "d" } });
    world.submit("here", {});
    end(world, "there", "d");
    expect(states(world)).toEqual(["there finished", "here preparing"]);
  });

  it("of 0 refuses jobs, and says what changes it", () => {
    const world = lab({ runningJobs: 0 });
    expect(() => world.submit("j", {})).toThrow(/may run no jobs; `stoker workspace quota set -n w --running-jobs N`/);
  });
});

describe("a quota of GPUs", () => {
  it("holds back what needs more than is left, and lets smaller ones go on behind it", () => {
    const world = lab({ gpus: 6 });
    world.submit("four", gpus(4));
    world.submit("whole", {});
    world.submit("two", gpus(2));
    world.submit("one", gpus(1));
    expect(states(world)).toEqual(["four preparing", "whole queued", "two preparing", "one queued"]);
    expect(reasons(world, "whole")[0]).toBe(
      "quota: jobs of workspace w hold 6 GPUs, of 6 that its quota allows, and it needs 4",
    );
  });

  it("refuses for good what it could never allow", () => {
    const world = lab({ gpus: 6 });
    expect(() => world.submit("j", { nodeCount: 2 })).toThrow(/8 GPUs needed, and workspace w may have 6/);
    expect(() => world.submit("j", { nodeCount: 2, ...gpus(3) })).not.toThrow();
  });
});

describe("a quota of nodes and clusters", () => {
  it("refuses a cluster that wants more", () => {
    const world = lab({ nodes: 4, clusters: 2 });
    expect(() => world.cluster("d", scale(2))).toThrow(
      /2 nodes and the 3 of its other clusters; the quota of workspace w/,
    );
    expect(() => world.cluster("d", auto(0, 5))).toThrow(/5 nodes; the quota of workspace w is 4 nodes/);
    world.cluster("d", auto(0, 4));
    expect(() => world.cluster("e", scale(0))).toThrow(/has 2 clusters, as many as its quota allows/);
    const larger = create(ScaleSettingsSchema, { manual: { targetNodeCount: 5 } });
    const resize = () => world.send({ kind: "cluster-resize", id: "workspaces/w/clusters/c", scale: larger });
    expect(resize).toThrow(/the quota of workspace w is 4 nodes/);
    expect(() => world.submit("j", { nodeCount: 5, cluster: { id: "d" } })).toThrow(
      /may have 4; `stoker workspace quota/,
    );
  });

  it("keeps clusters that scale by themselves within it, and says so", () => {
    const world = lab({ nodes: 4 });
    world.cluster("d", auto(0, 4));
    for (const name of ["x", "y"]) world.hello(name);
    world.submit("j", { nodeCount: 2, cluster: { id: "d" } });
    const d = [...world.state.clusters.values()].find(({ name }) => name === "d");
    if (!d) throw new Error("there is no cluster d");
    expect(allocationOf(world.state, d)).toMatchObject({
      current: 1,
      shortage: "1 of 2 nodes: workspace w has the 4 nodes that its quota allows",
    });
    limit(world, {});
    expect(allocationOf(world.state, d)).toMatchObject({ current: 2, shortage: "" });
    expect(world.job("j")?.state.kind).toBe("preparing");
  });
});

it("usages count what is used, with the limits that there are", () => {
  const world = lab({ gpus: 6, clusters: 3 });
  world.submit("four", gpus(4));
  const [workspace] = world.state.workspaces.values();
  if (!workspace) throw new Error("there is no workspace");
  expect(usagesOfWorkspace(world.state, workspace)).toEqual([
    { name: "clusters", current: 1, limit: 3 },
    { name: "nodes", current: 3 },
    { name: "gpus", current: 4, limit: 6 },
    { name: "runningJobs", current: 1 },
  ]);
  world.hello("free", { gpus: 1 });
  expect(usagesOfSite(world.state)).toEqual([
    { name: "clusters", current: 1 },
    { name: "nodes", current: 3, limit: 4 },
    { name: "gpus", current: 4, limit: 13 },
    { name: "runningJobs", current: 1 },
  ]);
  end(world, "four", "a");
  expect(
    usagesOfSite(world.state)
      .slice(2)
      .map(({ current }) => current),
  ).toEqual([0, 0]);
});
