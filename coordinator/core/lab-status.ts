import { membersOf } from "./cluster.js";
import { explain } from "./explain.js";
import { openFindings } from "./gang-watch/findings.js";
import type { FindingKind } from "./gang-watch/gang.js";
import type { NodeCondition } from "./liveness.js";
import type { World } from "./memory.js";
import { idOfCluster, idOfJob, idOfNode } from "./names.js";
import { conditionOf, type NodeStateCounts, nodeStateCounts } from "./preparation/condition.js";
import { preparationFaults } from "./preparation/readiness.js";
import { clusterFaults, executionStateOf } from "./queries.js";
import { type Allocation, allocationOf } from "./scaling/allocation.js";
import type { Cluster, Instant, Job, Node } from "./state.js";
import { nothingUsed } from "./usage.js";

/** How the lab is: what one screen can say of it. */
export interface LabStatus {
  readonly nodes: NodeTally;
  readonly jobs: JobTally;
  readonly clusters: readonly ClusterTally[];
  readonly waits: readonly Wait[];
  readonly troubles: readonly Trouble[];
  /** Names of nodes whose word a restored catalog waits for. */
  readonly awaited: readonly string[];
}

type NodeTally = Readonly<Record<NodeCondition | "total" | "drained" | "reclaimable" | "gpus" | "gpusFree", number>>;
type JobTally = Readonly<Record<ReturnType<typeof executionStateOf>, number>>;

export interface ClusterTally {
  readonly id: string;
  readonly allocation: Allocation;
  readonly counts: NodeStateCounts;
  readonly queued: number;
  readonly running: number;
  readonly deleting: boolean;
}

export interface Wait {
  readonly job: string;
  readonly since: Instant;
  readonly reason: string;
}

export interface Trouble {
  readonly id: string;
  readonly kind: "lost" | "unusable" | "drained" | "cluster-error" | "logs-waiting" | FindingKind;
  /** Absent when nobody knows. */
  readonly since?: Instant;
  readonly message: string;
}

/** An explanation walks over a cluster's nodes: a screen holds few anyway. */
const waitsMax = 10;
const troublesMax = 50;

export function labStatus(world: World, now: Instant): LabStatus {
  const nodes = [...world.nodes.values()].sort((a, b) => a.sequence - b.sequence);
  const clusters = [...world.clusters.values()].sort((a, b) => a.sequence - b.sequence);
  const troubles = [
    ...nodes.flatMap((node) => troublesOf(world, node)),
    ...clusters.flatMap((cluster) => faultsOf(world, cluster)),
    ...suspectedOf(world),
  ];
  return {
    nodes: tallyNodes(world, nodes),
    jobs: tallyJobs(world),
    clusters: clusters.map((cluster) => tallyCluster(world, cluster)),
    waits: oldestWaits(world, now),
    troubles: troubles.sort((a, b) => (a.since ?? now) - (b.since ?? now)).slice(0, troublesMax),
    awaited: [...world.index.awaited.values()].sort(),
  };
}

function tallyNodes(world: World, nodes: readonly Node[]): NodeTally {
  const states = { free: 0, preparing: 0, idle: 0, running: 0, leaving: 0, unusable: 0, lost: 0 };
  const tally = { ...states, total: nodes.length, drained: 0, reclaimable: 0, gpus: 0, gpusFree: 0 };
  for (const node of nodes) {
    tally[conditionOf(world, node).state] += 1;
    if (node.drained) tally.drained += 1;
    if (node.inventory.reclaimable) tally.reclaimable += 1;
    const used = (world.index.usage.get(node.uuid) ?? nothingUsed).gpuUuids;
    tally.gpus += node.inventory.gpus.length;
    if (!node.lost) tally.gpusFree += node.inventory.gpus.filter(({ uuid }) => !used.has(uuid)).length;
  }
  return tally;
}

function tallyJobs(world: World): JobTally {
  const tally = { queued: 0, running: 0, terminating: 0, succeeded: 0, failed: 0 };
  for (const job of world.jobs.values()) tally[executionStateOf(job)] += 1;
  return tally;
}

function tallyCluster(world: World, cluster: Cluster): ClusterTally {
  return {
    id: idOfCluster(world, cluster),
    allocation: allocationOf(world, cluster),
    counts: nodeStateCounts(world, cluster),
    queued: world.index.queue.get(cluster.uuid)?.size ?? 0,
    running: world.index.active.get(cluster.uuid)?.size ?? 0,
    deleting: cluster.deletingSince !== undefined,
  };
}

function oldestWaits(world: World, now: Instant): Wait[] {
  const oldest: Job[] = [];
  for (const cluster of world.clusters.keys()) {
    for (const uuid of world.index.queue.get(cluster)?.values() ?? []) {
      const job = world.jobs.get(uuid);
      const last = oldest.at(-1);
      if (!job || (oldest.length === waitsMax && last && job.state.since >= last.state.since)) continue;
      oldest.push(job);
      oldest.sort((a, b) => a.state.since - b.state.since || a.sequence - b.sequence);
      if (oldest.length > waitsMax) oldest.pop();
    }
  }
  return oldest.map((job) => ({
    job: idOfJob(world, job),
    since: job.state.since,
    reason: explain(world, job, now).summary,
  }));
}

function troublesOf(world: World, node: Node): Trouble[] {
  const { state, reason } = conditionOf(world, node);
  const id = idOfNode(node);
  const condition = world.liveness.get(node.uuid)?.condition;
  const since = condition?.state === state ? { since: condition.since } : {};
  if (node.lost) return [{ id, kind: "lost", since: node.lost.since, message: reason }];
  if (state === "unusable") return [{ id, kind: "unusable", ...since, message: reason }];
  if (!node.drained) return [];
  const { reclaimed, reason: why, since: drainedSince } = node.drained;
  const message = `${reclaimed ? "reclaimed by its owner" : "drained"}${why === "" ? "" : `: ${why}`}`;
  return [{ id, kind: "drained", since: drainedSince, message }];
}

function faultsOf(world: World, cluster: Cluster): Trouble[] {
  const faults = [...clusterFaults(world, cluster), ...preparationFaults(world, membersOf(world, cluster))];
  return faults.map(({ code, message }) => ({
    id: idOfCluster(world, cluster),
    kind: "cluster-error",
    message: `${code}: ${message}`,
  }));
}

/** Jobs that seem to hang, to be slowed down by one GPU, or to hold GPUs that they do not use. */
function suspectedOf(world: World): Trouble[] {
  const troubles: Trouble[] = [];
  for (const active of world.index.active.values()) {
    for (const uuid of active.values()) {
      const job = world.jobs.get(uuid);
      for (const { kind, since, sentence } of job ? openFindings(job) : []) {
        if (job) troubles.push({ id: idOfJob(world, job), kind, since, message: sentence });
      }
    }
  }
  return troubles;
}
