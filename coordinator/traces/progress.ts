import type { LeaseId } from "../../shared/ids.js";
import { leaseOf } from "../core/indexes.js";
import type { Instant, Job, Lease } from "../core/state.js";

/** What was seen of an attempt while it lasted. Times that passed before the coordinator was started are absent. */
export interface Progress {
  readonly lease: LeaseId;
  readonly attempt: number;
  readonly grantedAt: Instant;
  readonly nodes: Map<string, NodeProgress>;
  runningAt?: Instant;
  stoppingAt?: Instant;
  /** When bytes of its logs came in last. */
  logsAt?: Instant;
}

export interface NodeProgress {
  /** Its agent spoke of the lease for the first time. */
  heardAt?: Instant;
  readyAt?: Instant;
  endedAt?: Instant;
  lost: boolean;
  /** What it was at, in its own words. */
  readonly steps: Step[];
}

export interface Step {
  readonly name: string;
  readonly since: Instant;
  until?: Instant;
}

/** A node that does the same things again and again must not fill the memory. */
const stepsMax = 64;

export const newProgress = (lease: Lease): Progress => ({
  lease: lease.id,
  attempt: lease.attempt,
  grantedAt: lease.grantedAt,
  nodes: new Map(lease.shares.map(({ nodeName }) => [nodeName, { lost: false, steps: [] }])),
});

/** The job's row was committed. */
export function follow(progress: Progress, job: Job, now: Instant): void {
  const lease = leaseOf(job);
  if (lease?.id !== progress.lease) return;
  if (job.state.kind === "running") progress.runningAt ??= job.state.since;
  if (job.state.kind === "stopping") progress.stoppingAt ??= job.state.since;
  for (const { nodeName, phase } of lease.shares) {
    const node = progress.nodes.get(nodeName);
    if (!node) continue;
    if (phase === "ready") node.readyAt ??= now;
    if (phase === "done" || phase === "lost") node.endedAt ??= now;
    node.lost ||= phase === "lost";
  }
}

/** The node's heartbeat names the lease. */
export function hearStep(progress: Progress, node: string, step: string, since: Instant, now: Instant): void {
  const found = progress.nodes.get(node);
  if (!found) return;
  found.heardAt ??= now;
  const last = found.steps.at(-1);
  if (last?.name === step && last.until === undefined) return;
  if (last && last.until === undefined) last.until = now;
  if (step !== "" && found.steps.length < stepsMax) found.steps.push({ name: step, since: Math.min(since, now) });
}
