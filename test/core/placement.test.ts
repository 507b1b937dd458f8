import { expect, test } from "vitest";
import { explain } from "../../coordinator/core/explain.js";
import { conditionOf, nodeStateCounts } from "../../coordinator/core/preparation/condition.js";
import { attemptsOf, jobsOfExperiment, queuePosition } from "../../coordinator/core/queries.js";
import { allocationOf } from "../../coordinator/core/scaling/allocation.js";
import type { Job } from "../../coordinator/core/state.js";
import { CoreWorld, done, exited, ready } from "../build.js";

function started(size = 3): CoreWorld {
  const world = new CoreWorld();
  world.workspace();
  world.experiment();
  world.cluster("c", { scaleSettings: { manual: { targetNodeCount: size } } });
  return world;
}

const nodesOf = (job: Job | undefined) =>
  job && "lease" in job.state ? job.state.lease.shares.map(({ nodeName }) => nodeName) : [];

test("small jobs fill the fullest node, so that whole ones stay free", () => {
  const world = started();
  for (const name of ["a", "b", "c"]) world.hello(name, { cpus: 8 });
  world.submit("j1", { resources: { cpus: 2 } });
  world.submit("j2", { resources: { cpus: 2 } });
  world.submit("j3", { nodeCount: 2 });
  expect(nodesOf(world.job("j2"))).toEqual(nodesOf(world.job("j1")));
  expect(nodesOf(world.job("j3"))).toHaveLength(2);
});

test("each job gets GPUs of its own, by uuid", () => {
  const world = started(1);
  world.hello("a", { cpus: 8, gpus: 2 });
  world.submit("j1", { resources: { gpus: 1, cpus: 1 } });
  world.submit("j2", { resources: { gpus: 1, cpus: 1 } });
  world.submit("j3", { resources: { gpus: 1, cpus: 1 } });
  const gpus = ["j1", "j2"].flatMap((name) => {
    const state = world.job(name)?.state;
    return state && "lease" in state ? state.lease.shares.flatMap(({ held }) => held.gpuUuids) : [];
  });
  expect(new Set(gpus)).toEqual(new Set(["a-gpu-0", "a-gpu-1"]));
  const waiting = world.job("j3") as Job;
  const { summary, reasons } = explain(world.state, waiting, world.now);
  expect(summary).toMatch(/a node has 0 free GPUs, 1 needed; it is first in the queue/);
  expect(reasons).toMatchObject([{ check: "gpus", nodes: ["a"] }]);
  expect(reasons[0]?.heldBy).toEqual(["j1", "j2"].map((name) => `workspaces/w/experiments/e/jobs/${name}`));
});

test("a cluster that is short of machines says why", () => {
  const world = started(2);
  world.hello("a");
  world.submit("j", { nodeCount: 2 });
  const { reasons } = explain(world.state, world.job("j") as Job, world.now);
  expect(reasons[0]).toMatchObject({ check: "in-cluster" });
  expect(reasons[0]?.message).toMatch(/has 1 nodes, 2 needed; 1 of 2 nodes/);
  const [cluster] = world.state.clusters.values();
  if (!cluster) throw new Error("no cluster");
  expect(allocationOf(world.state, cluster)).toMatchObject({ steady: false, current: 1 });
});

test("a cluster takes machines of its class, or of an alias of it, whatever the letter case", () => {
  const world = new CoreWorld({ ...started().settings, machineClasses: { STANDARD_NC6: "gpu-box" } });
  world.workspace();
  world.experiment();
  world.cluster("nc6", { vmSize: "Standard_NC6", scaleSettings: { manual: { targetNodeCount: 2 } } });
  world.cluster("box", { vmSize: "GPU-Box", scaleSettings: { manual: { targetNodeCount: 1 } } });
  for (const name of ["g1", "g2", "g3"]) world.hello(name, { machineClass: "gpu-box" });
  world.hello("p1", { machineClass: "pc" });
  const clusterOf = Object.fromEntries(
    [...world.state.nodes.values()].map(({ name, cluster }) => [
      name,
      cluster && world.state.clusters.get(cluster)?.name,
    ]),
  );
  expect(clusterOf).toEqual({ g1: "nc6", g2: "box", g3: "nc6", p1: undefined });
});

test("counts and conditions of nodes", () => {
  const world = started();
  for (const name of ["a", "b", "c"]) world.hello(name);
  world.submit("j", { nodeCount: 1 });
  const [busy] = nodesOf(world.job("j"));
  const idle = ["a", "b", "c"].filter((name) => name !== busy);
  world.beat(idle[0] ?? "", [], "no disk");
  const [cluster] = world.state.clusters.values();
  if (!cluster) throw new Error("no cluster");
  expect(nodeStateCounts(world.state, cluster)).toEqual({ idle: 1, running: 1, preparing: 0, unusable: 1, leaving: 0 });
  const broken = [...world.state.nodes.values()].find(({ name }) => name === idle[0]);
  expect(broken && conditionOf(world.state, broken)).toEqual({ state: "unusable", reason: "no disk" });
});

test("jobs of an experiment come in order of creation, from any place; positions follow the queue", () => {
  const world = started(1);
  for (const name of ["j1", "j2", "j3"]) world.submit(name, {});
  world.submit("urgent", { schedulingPriority: "high" });
  const [experiment] = world.state.experiments.values();
  if (!experiment) throw new Error("no experiment");
  expect([...jobsOfExperiment(world.state, experiment)].map(({ name }) => name)).toEqual(["j1", "j2", "j3", "urgent"]);
  const from = world.job("j3")?.sequence;
  expect([...jobsOfExperiment(world.state, experiment, from)].map(({ name }) => name)).toEqual(["j3", "urgent"]);
  expect(["urgent", "j1", "j3"].map((name) => queuePosition(world.state, world.job(name) as Job))).toEqual([0, 1, 3]);
});

test("attempts are kept as history, with their ends and the lengths of their logs", () => {
  const world = started(1);
  world.hello("a");
  world.submit("j", { retry: { maxCount: 1 } });
  const uuid = world.job("j")?.uuid;
  world.report("a", `${uuid}.1`, ready);
  world.report("a", `${uuid}.1`, exited(0, 4));
  world.report("a", `${uuid}.1`, done);
  const attempts = attemptsOf(world.state, world.job("j") as Job);
  expect(attempts).toMatchObject([
    {
      number: 1,
      state: "failed",
      exitCode: 4,
      reason: "rank 0 ended with exit code 4",
      exits: [{ rank: 0, exitCode: 4 }],
    },
    { number: 2, state: "preparing", exits: [] },
  ]);
});

test("a heartbeat writes no row", () => {
  const world = started(1);
  world.hello("a");
  const { changes } = world.beat("a");
  expect(changes.map(({ kind }) => kind)).toEqual(["liveness"]);
});
