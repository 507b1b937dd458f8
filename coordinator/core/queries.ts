import { clusterVolumes } from "./grant/volumes.js";
import { leaseOf } from "./indexes.js";
import type { World } from "./memory.js";
import { queueKey } from "./policies/priority.js";
import { missingSecrets } from "./secrets/missing.js";
import { SortedMap } from "./sorted-map.js";
import type { Attempt, Cluster, Experiment, Job, Node, ResourceFault } from "./state.js";
import { type Holder, nothingUsed } from "./usage.js";

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

/** What this release can't do of the cluster's own set-up: for its `errors`. */
export const clusterFaults = (world: World, cluster: Cluster): readonly ResourceFault[] => [
  ...clusterVolumes(world, cluster).faults,
  ...missingSecrets(world, cluster.spec),
];
