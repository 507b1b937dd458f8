import type { ClusterId, JobId } from "../../shared/ids.js";
import type { Candidate } from "./checks/check.js";
import { standing } from "./checks/index.js";
import type { Draft } from "./draft.js";
import { unpreparable } from "./grant/unpreparable.js";
import { finish, startAttempt } from "./job.js";
import { candidatesOf, place } from "./placement.js";
import { policies } from "./policies/index.js";
import { queueKey } from "./policies/priority.js";
import { SortedMap } from "./sorted-map.js";
import type { Cluster, Job } from "./state.js";
import { SweepLimits } from "./sweep-limits.js";

/** How far behind a blocked job a pass looks for others that may start: bounds a pass, whatever the queue's length. */
export const lookAhead = 200;

/**
 * One pass over a cluster's queue: the first job starts as often as it can; when it can't, the policy says who may overtake. What a pass
 * found not to start is remembered until room comes, so that a job that joins a long queue costs nothing.
 */
export function schedule(draft: Draft, cluster: Cluster, takeNoHint: boolean): void {
  const limits = new SweepLimits(draft.world, cluster);
  if (!takeNoHint && nothingNew(draft, cluster.uuid, limits)) return;
  for (;;) {
    const head = limits.first();
    if (!head) return;
    const fault = unpreparable(draft.world, head);
    if (fault) {
      finish(draft, head, { kind: "failed", exitCode: -1, errors: [fault] });
      continue;
    }
    const candidates = candidatesOf(draft.world, cluster);
    const placement = isFull(draft, head, candidates) ? undefined : place(draft.world, head, candidates, draft.now);
    if (!placement) {
      overtake(draft, cluster, head, candidates, limits);
      return;
    }
    startAttempt(draft, head, placement);
    limits.started(head);
  }
}

const queueOf = (draft: Draft, cluster: ClusterId) => draft.world.index.queue.get(cluster) ?? SortedMap.empty<JobId>();

/** The first is the same, no room has come, and what joined is like what was seen already. */
function nothingNew(draft: Draft, cluster: ClusterId, limits: SweepLimits): boolean {
  const blocked = draft.world.index.blocked.get(cluster);
  if (!blocked || limits.first()?.uuid !== blocked.head) return false;
  if (blocked.full) return true;
  const queue = queueOf(draft, cluster);
  return draft.fresh.every(
    (job) =>
      job.request.cluster !== cluster || blocked.shapes.has(shapeOf(job)) || queue.rank(queueKey(job)) > lookAhead,
  );
}

/** Jobs of one shape start, or don't, alike. */
export function shapeOf({ spec, request: { nodeCount, share, wallClockMs } }: Job): string {
  const contained = spec.containerSettings ? " contained" : "";
  return share.kind === "whole"
    ? `${nodeCount} whole ${wallClockMs}${contained}`
    : `${nodeCount} ${share.gpus} ${share.cpus} ${share.memoryBytes} ${wallClockMs}${contained}`;
}

/** No node that could take work has a core left. */
function isFull(draft: Draft, job: Job, candidates: readonly Candidate[]): boolean {
  const at = { world: draft.world, now: draft.now };
  return candidates.every(
    (candidate) => candidate.room.cpus === 0 || standing.some((check) => check(job, candidate, at) !== undefined),
  );
}

function overtake(draft: Draft, cluster: Cluster, head: Job, before: readonly Candidate[], limits: SweepLimits): void {
  const { world, now } = draft;
  const shapes = new Set([shapeOf(head)]);
  let candidates = before;
  let full = isFull(draft, head, candidates);
  const rules = full ? undefined : policies[world.settings.policy].behind(world, head, candidates, now);
  if (rules) {
    let seen = 0;
    // The queue is a value: those that start on the way don't disturb the walk.
    for (const uuid of queueOf(draft, cluster.uuid).values()) {
      if (seen > lookAhead || full) break;
      seen += 1;
      const job = world.jobs.get(uuid);
      if (!job || shapes.has(shapeOf(job)) || limits.holds(job)) continue;
      if (unpreparable(world, job)) continue;
      const placement = place(world, job, candidates, now);
      if (!placement || rules.objection(job, placement) !== undefined) {
        shapes.add(shapeOf(job));
        continue;
      }
      startAttempt(draft, job, placement);
      limits.started(job);
      candidates = candidatesOf(world, cluster);
      full = isFull(draft, head, candidates);
    }
  }
  draft.note({ kind: "blocked", cluster: cluster.uuid, blocked: { head: head.uuid, full, shapes } });
}
