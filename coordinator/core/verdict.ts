import type { NodeId } from "../../shared/ids.js";
import type { Job, Lease, Outcome, ResourceFault, Verdict } from "./state.js";

/** What becomes of a job whose attempt has ended this way or that, and the counts it then carries. */
export interface Judgement {
  readonly job: Job;
  readonly verdict: Verdict;
}

/** So often a job is started again after faults that are not its own; by then something is wrong that retrying does not mend. */
export const machineFaultsMax = 20;
/** A volume or image that these many attempts could not have is not there. */
const mountFaultsMax = 2;

export const isTerminated = (verdict: Verdict) =>
  verdict.next.kind === "finish" && verdict.next.outcome.kind === "terminated";

export function succeeded(job: Job): Judgement {
  const outcome: Outcome = { kind: "succeeded", exitCode: 0, errors: [] };
  return {
    job,
    verdict: { next: { kind: "finish", outcome }, attemptState: "succeeded", reason: "", exitCode: 0, graceful: true },
  };
}

/** The user's own program or preparation failed: tried again only as often as the job asks. */
export function failedByItself(
  job: Job,
  fault: ResourceFault,
  exitCode: number | undefined,
  reason: string,
): Judgement {
  const code = exitCode === undefined ? {} : { exitCode };
  const told = { attemptState: "failed", reason, graceful: true, ...code } as const;
  if (job.retries < job.request.retriesMax) {
    return { job: { ...job, retries: job.retries + 1 }, verdict: { next: { kind: "requeue" }, ...told } };
  }
  return { job, verdict: { next: { kind: "finish", outcome: { kind: "failed", errors: [fault], ...code } }, ...told } };
}

/** A machine failed the job, which is tried again, on another one if that will do. The rest of the gang has nothing to finish. */
export function failedByMachine(
  job: Job,
  node: NodeId,
  fault: ResourceFault,
  attemptState: "lost" | "failed",
): Judgement {
  const told = { attemptState, reason: fault.message, graceful: false } as const;
  const machineFaults = job.machineFaults + 1;
  const after = { ...job, machineFaults, avoid: [...job.avoid.filter((other) => other !== node), node] };
  if (machineFaults <= machineFaultsMax) return { job: after, verdict: { next: { kind: "requeue" }, ...told } };
  const message = `${fault.message}; the job was started ${machineFaults} times and failed by no fault of its own each time`;
  const outcome: Outcome = { kind: "failed", errors: [{ ...fault, message }] };
  return { job: after, verdict: { next: { kind: "finish", outcome }, ...told } };
}

/** The user's own program or preparation is what this verdict blames. */
export const blamesTheJob = ({ next, attemptState, exitCode }: Verdict) =>
  attemptState === "failed" && exitCode !== undefined && (next.kind === "requeue" || next.outcome.kind === "failed");

/** A volume or image that one node can't have may be well on another; one that none can is the job's own error, told with its code. */
export function failedByMount(job: Job, node: NodeId, fault: ResourceFault, othersLeft: boolean): Judgement {
  if (othersLeft && job.machineFaults < mountFaultsMax) return failedByMachine(job, node, fault, "failed");
  const outcome: Outcome = { kind: "failed", exitCode: -1, errors: [fault] };
  const verdict: Verdict = {
    next: { kind: "finish", outcome },
    attemptState: "failed",
    reason: fault.message,
    exitCode: -1,
    graceful: true,
  };
  return { job, verdict };
}

/** Its place is needed otherwise: no fault of anybody's, and no retry used up. */
export function preempted(job: Job, reason: string): Judgement {
  return { job, verdict: { next: { kind: "requeue" }, attemptState: "preempted", reason, graceful: true } };
}

/** Its owner did not want it there, which we heard too late: the same, on another node. */
export function refusedThere(job: Job, node: NodeId, reason: string): Judgement {
  const avoid = [...job.avoid.filter((other) => other !== node), node];
  return preempted({ ...job, avoid }, reason);
}

export const displaced = (reason: string): Outcome => ({
  kind: "terminated",
  errors: [{ code: "JobTerminated", message: reason, details: [] }],
});

export function outOfPlace(job: Job, reason: string): Judgement {
  const outcome = displaced(reason);
  return { job, verdict: { next: { kind: "finish", outcome }, attemptState: "terminated", reason, graceful: true } };
}

export function outOfTime(job: Job, lease: Lease): Judgement {
  const message = `attempt ${lease.attempt} ran longer than maxWallClockTime allows (${job.spec.constraints?.maxWallClockTime ?? ""})`;
  const outcome: Outcome = { kind: "terminated", errors: [{ code: "JobTerminated", message, details: [] }] };
  return {
    job,
    verdict: { next: { kind: "finish", outcome }, attemptState: "terminated", reason: message, graceful: true },
  };
}
