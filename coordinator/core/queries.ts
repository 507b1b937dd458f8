import { classMatches, isBusy, isConnected, membersOf, wantedNodes } from "./cluster.js";
import { clusterVolumes } from "./grant/volumes.js";
import { leaseOf } from "./indexes.js";
import type { World } from "./memory.js";
import { queueKey } from "./policies/priority.js";
import { SortedMap } from "./sorted-map.js";
import type { Attempt, Cluster, Experiment, Job, Node, ResourceFault } from "./state.js";
import { type Holder, nothingUsed } from "./usage.js";
import { withheldReason } from "./witnesses/quorum.js";

/** What views need that takes more than reading one record. */

/** Batch AI's word for a job's state. */
export type ExecutionState = "queued" | "running" | "terminating" | "succeeded" | "failed";

export function executionStateOf({ state }: Job): ExecutionState {
  switch (state.kind) {
    case "queued":
      return "queued";
    case "preparing":
    case "running":
      return "running";
    case "stopping": {
      const { next } = state.verdict;
      return next.kind === "finish" && next.outcome.kind === "terminated" ? "terminating" : "running";
    }
    case "finished":
      return state.outcome.kind === "succeeded" ? "succeeded" : "failed";
  }
}

/** All attempts, oldest first; the live one as it is now. */
export function attemptsOf(world: World, job: Job): readonly Attempt[] {
  const rows = world.attempts.get(job.uuid) ?? [];
  const lease = leaseOf(job);
  if (!lease || !("lease" in job.state)) return rows;
  const { kind } = job.state;
  const reason = job.state.kind === "stopping" ? job.state.verdict.reason : "";
  return rows.map((row) => (row.number === lease.attempt ? { ...row, state: kind, reason, exits: lease.exits } : row));
}

/** From the first whose sequence is not below `from`: a page token is the sequence to go on with. */
export function* jobsOfExperiment(world: World, experiment: Experiment, from = 0): Generator<Job> {
  const jobs = world.index.jobsOfExperiment.get(experiment.uuid) ?? SortedMap.empty<Job["uuid"]>();
  for (const uuid of jobs.values(from)) {
    const job = world.jobs.get(uuid);
    if (job) yield job;
  }
}

/** Jobs that go before it in its cluster's queue; 0 when it is not queued. */
export function queuePosition(world: World, job: Job): number {
  if (job.state.kind !== "queued") return 0;
  return world.index.queue.get(job.request.cluster)?.rank(queueKey(job)) ?? 0;
}

/** What is promised on a node, with what zombies hold. */
export const holdersOn = (world: World, node: Node): readonly Holder[] =>
  (world.index.usage.get(node.uuid) ?? nothingUsed).holders;

export type NodeCondition = "free" | "preparing" | "idle" | "running" | "leaving" | "unusable" | "lost";

/** The state of a node, and why, when that is not plain. */
export function conditionOf(world: World, node: Node): { state: NodeCondition; reason: string } {
  const liveness = world.liveness.get(node.uuid);
  if (node.lost) return { state: "lost", reason: "its agent has fallen silent" };
  const waits = withheldReason(world, node, world.clock.tickedAt);
  if (waits !== undefined) return { state: "unusable", reason: waits };
  const reason = node.drained ? `drained${node.drained.reason === "" ? "" : `: ${node.drained.reason}`}` : "";
  if (isBusy(world, node)) return node.leaving ? { state: "leaving", reason } : { state: "running", reason };
  if (!isConnected(world, node)) return { state: "unusable", reason: "its agent is not connected" };
  if (liveness && liveness.unhealthyReason !== "") return { state: "unusable", reason: liveness.unhealthyReason };
  if (liveness && liveness.strangers.length > 0) return { state: "preparing", reason: "ends attempts of deleted jobs" };
  return { state: node.cluster ? "idle" : "free", reason };
}

export interface NodeStateCounts {
  readonly idle: number;
  readonly running: number;
  readonly preparing: number;
  readonly unusable: number;
  readonly leaving: number;
}

export function nodeStateCounts(world: World, cluster: Cluster): NodeStateCounts {
  const counts = { idle: 0, running: 0, preparing: 0, unusable: 0, leaving: 0 };
  const members = [...membersOf(world, cluster)];
  for (const node of members) {
    const { state } = conditionOf(world, node);
    if (state === "lost") counts.unusable += 1;
    else if (state !== "free") counts[state] += 1;
  }
  return counts;
}

/** `steady` when the cluster has as many live nodes as it wants. */
export function allocationOf(world: World, cluster: Cluster): { steady: boolean; current: number; shortage: string } {
  const members = [...membersOf(world, cluster)];
  const live = members.filter(({ lost }) => !lost).length;
  const wanted = wantedNodes(world, cluster);
  return {
    steady: live === wanted,
    current: members.length,
    shortage: live < wanted ? shortage(world, cluster, wanted, live) : "",
  };
}

function shortage(world: World, cluster: Cluster, wanted: number, live: number): string {
  const fitting = [...world.nodes.values()].filter((node) => classMatches(world, cluster, node.inventory));
  const missing = `${live} of ${wanted} nodes`;
  if (fitting.length === 0) {
    const classes = [...new Set([...world.nodes.values()].map(({ inventory }) => inventory.machineClass))];
    const known =
      classes.length === 0 ? "no machine is enrolled yet" : `enrolled machines are of class ${classes.join(", ")}`;
    return `${missing}: no enrolled machine is of class ${cluster.spec.vmSize} (${known})`;
  }
  const elsewhere = fitting.filter((node) => node.cluster && node.cluster !== cluster.uuid).length;
  const gone = fitting.filter((node) => node.lost || !isConnected(world, node)).length;
  return `${missing}: of ${fitting.length} machines of class ${cluster.spec.vmSize} ${elsewhere} are in other clusters, ${gone} are lost or not connected`;
}

/** What this release can't do of the cluster's own set-up: for its `errors`. */
export const clusterFaults = (world: World, cluster: Cluster): readonly ResourceFault[] =>
  clusterVolumes(world, cluster).faults;
