import type { NodeId } from "../../shared/ids.js";
import type { Draft } from "./draft.js";
import { isLive, leaseOf } from "./indexes.js";
import { allReady, isOver, newLease, orderGrant, orderStart, orderStop, withShare } from "./lease.js";
import type { Placement } from "./placement.js";
import type { Attempt, Job, JobState, Lease, Outcome, ResourceFault, Verdict } from "./state.js";
import { blamesTheJob, failedByMachine, isTerminated } from "./verdict.js";

/**
 * One job. Batch AI's word for `preparing` is running already, and for `stopping` running, or terminating when the user asked for it.
 *
 *              ┌──────────────(verdict: again)───────────────┐
 *              ▼                                             │
 *   queued ──(placed)──▶ preparing ──(all ready)──▶ running ─┤(rank ended, failure, loss, time is up, terminate)
 *      │                     └──────────────────────────▶ stopping ──(nothing is left, or must be frozen)──▶ finished
 *      └──(terminate, can't be prepared)─────────────────────────────────────────────────────────────────────▲
 *
 * The verdict is made once, on entering `stopping`; only two things overrule it: the user's terminate one that says "again", and a machine
 * that had died before the ranks failed one that blames the job.
 */

/** Writes the job as it is now, with a line of its history. */
export function record(draft: Draft, job: Job, message: string): Job {
  const number = job.events + 1;
  const after = { ...job, events: number };
  draft.put("job", after);
  draft.put("job-event", { job: job.uuid, number, at: draft.now, message });
  draft.jobChanged(job.uuid);
  return after;
}

/** The same without a word of it. */
export function update(draft: Draft, job: Job): Job {
  draft.put("job", job);
  return job;
}

export function startAttempt(draft: Draft, job: Job, placement: Placement): void {
  const lease = newLease(draft.world, job, placement, draft.now);
  const state: JobState = { kind: "preparing", since: draft.now, lease };
  const after = { ...job, state, attempt: lease.attempt, startedAt: draft.now };
  const names = lease.shares.map(({ nodeName }) => nodeName).join(", ");
  const rather = (lease.passedOver ?? []).map(({ node, why }) => `${node} (${why})`);
  const than = rather.length === 0 ? "" : ` rather than on ${rather.join(", ")}`;
  record(draft, after, `attempt ${lease.attempt} was placed on ${names}${than}`);
  draft.put("attempt", attemptOf(draft, after, lease, { state: "preparing", reason: "" }));
  for (const share of lease.shares) orderGrant(draft, after, lease, share);
  for (const share of lease.shares) draft.nodeChanged(share.node);
}

function attemptOf(
  draft: Draft,
  job: Job,
  lease: Lease,
  end: Pick<Attempt, "state" | "reason" | "exitCode" | "endedAt">,
): Attempt {
  return {
    job: job.uuid,
    number: lease.attempt,
    nodes: lease.shares.map(({ node, nodeName, held, warnings }) => ({
      name: nodeName,
      address: draft.world.nodes.get(node)?.address ?? "",
      gpuUuids: held.gpuUuids,
      ...(warnings ? { warnings } : {}),
    })),
    startedAt: lease.grantedAt,
    rankCount: lease.rankCount,
    exits: lease.exits,
    ...end,
  };
}

/** One node has mounted and prepared everything. */
export function nodeReady(draft: Draft, job: Job, before: Lease, node: NodeId): void {
  if (job.state.kind !== "preparing") return;
  const lease = withShare(before, node, { phase: "ready" });
  if (!allReady(lease)) {
    update(draft, { ...job, state: { ...job.state, lease } });
    return;
  }
  const running = { ...job, state: { kind: "running", since: draft.now, lease } } as const;
  record(draft, running, `attempt ${lease.attempt} runs`);
  for (const share of lease.shares) orderStart(draft, lease, share);
}

/** Ends the attempt, and with it perhaps the job. `quiet`: the nodes end it by themselves, nobody has to be told. */
export function stop(draft: Draft, job: Job, verdict: Verdict, quiet = false): Job {
  const lease = leaseOf(job);
  if (!lease || job.state.kind === "stopping") return job;
  const state: JobState = { kind: "stopping", since: draft.now, lease, verdict };
  const after = record(draft, { ...job, state }, sentence(lease, verdict));
  if (!quiet) orderStop(draft, lease, verdict);
  return concluded(draft, after);
}

function sentence(lease: Lease, { attemptState, reason, next }: Verdict): string {
  const again = next.kind === "requeue" ? ", and will be tried again" : "";
  return `attempt ${lease.attempt} is ending as ${attemptState}${reason === "" ? "" : `: ${reason}`}${again}`;
}

/** The next step when nothing of the attempt is left anywhere, or what is left must be frozen by now. */
export function concluded(draft: Draft, job: Job): Job {
  if (job.state.kind !== "stopping" || !isOver(job.state.lease)) return job;
  const { lease, verdict } = job.state;
  const { attemptState, reason, exitCode } = verdict;
  draft.put(
    "attempt",
    attemptOf(draft, job, lease, {
      state: attemptState,
      reason,
      endedAt: draft.now,
      ...(exitCode === undefined ? {} : { exitCode }),
    }),
  );
  draft.touched.add(job.request.cluster);
  touchHeldBack(draft, job);
  for (const { node } of lease.shares) draft.nodeChanged(node);
  if (verdict.next.kind === "finish") return finish(draft, job, verdict.next.outcome);
  draft.queued(job);
  return record(draft, { ...job, state: { kind: "queued", since: draft.now } }, "queued again");
}

/** Others of its workspace may wait for its part of the quota, in whatever queue. */
function touchHeldBack(draft: Draft, job: Job): void {
  const { world } = draft;
  const workspace = world.experiments.get(job.experiment)?.workspace;
  if (workspace === undefined || world.workspaces.get(workspace)?.quota === undefined) return;
  for (const cluster of world.index.queue.keys()) draft.touched.add(cluster);
}

export function finish(draft: Draft, job: Job, outcome: Outcome): Job {
  draft.touched.add(job.request.cluster);
  const state: JobState = { kind: "finished", since: draft.now, outcome };
  const after = record(draft, { ...job, state, startedAt: job.startedAt ?? draft.now }, finishedAs(outcome));
  if (job.deleting) remove(draft, after);
  return after;
}

function finishedAs({ kind, exitCode, errors }: Outcome): string {
  const code = exitCode === undefined ? "" : ` with exit code ${exitCode}`;
  return `${kind}${code}${errors[0] ? `: ${errors[0].message}` : ""}`;
}

/** The row goes, and the experiment with it when that was what it waited for. */
export function remove(draft: Draft, job: Job): void {
  draft.delete("job", job.uuid);
  draft.jobChanged(job.uuid);
  const experiment = draft.world.experiments.get(job.experiment);
  if (experiment?.deleting && !draft.world.index.jobsOfExperiment.has(experiment.uuid)) {
    draft.delete("experiment", experiment.uuid);
    draft.withdrawalStale = true;
  }
}

export const terminated: ResourceFault = {
  code: "JobTerminated",
  message: "The specified job has been terminated by the user",
  details: [],
};

/** Does nothing to a job that has ended, or is about to end by itself. */
export function terminate(draft: Draft, job: Job): Job {
  const outcome: Outcome = { kind: "terminated", errors: [terminated] };
  const verdict: Verdict = {
    next: { kind: "finish", outcome },
    attemptState: "terminated",
    reason: "the user terminated the job",
    graceful: true,
  };
  switch (job.state.kind) {
    case "finished":
      return job;
    case "queued":
      return finish(draft, job, outcome);
    case "stopping": {
      const { verdict: before } = job.state;
      if (isTerminated(before) || before.final) return job;
      if (before.next.kind === "finish") {
        return update(draft, { ...job, state: { ...job.state, verdict: { ...before, final: true } } });
      }
      // How the attempt ended stays true; only what comes after it changes.
      const overruled = { ...job.state.verdict, next: verdict.next };
      return record(
        draft,
        { ...job, state: { ...job.state, verdict: overruled } },
        "terminated before the next attempt",
      );
    }
    default:
      return stop(draft, job, verdict);
  }
}

/**
 * Launchers notice a dead machine sooner than its lease ends, and then fail as the user's program would. So a failure after the last word of a
 * node that turns out to be gone is that node's.
 */
export function excuse(
  draft: Draft,
  job: Job,
  node: NodeId,
  fault: ResourceFault,
  heardAt = draft.world.liveness.get(node)?.heardAt,
): Job {
  if (job.state.kind !== "stopping" || !blamesTheJob(job.state.verdict) || job.state.verdict.final) return job;
  if (heardAt !== undefined && heardAt > job.state.since) return job;
  const retries = job.state.verdict.next.kind === "requeue" ? job.retries - 1 : job.retries;
  const { job: judged, verdict } = failedByMachine({ ...job, retries }, node, fault, "lost");
  return record(draft, { ...judged, state: { ...job.state, verdict } }, `${fault.message}, which is why it failed`);
}

/** A node's share ended: nothing of it is left there (`done`), or nobody can say (`lost`). */
export function shareEnded(draft: Draft, job: Job, node: NodeId, phase: "done" | "lost", sequence?: number): Job {
  const lease = leaseOf(job);
  const share = lease?.shares.find((candidate) => candidate.node === node);
  if (!lease || !share || !isLive(share) || !("lease" in job.state)) return job;
  const change = sequence === undefined ? { phase } : { phase, reportSequence: sequence };
  const after = { ...job, state: { ...job.state, lease: withShare(lease, node, change) } };
  draft.nodeChanged(node);
  return concluded(draft, update(draft, after));
}
