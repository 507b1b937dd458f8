import type { Draft } from "../draft.js";
import { stop } from "../job.js";
import type { World } from "../memory.js";
import type { Instant, Job, ResourceFault } from "../state.js";
import { preempted } from "../verdict.js";
import { type Finding, noWatch, openFindings } from "./findings.js";
import { type IdleLimit, idleLimits } from "./idle-limit.js";
import { lasting } from "./window.js";

/** Queued again for this so often; then it is ended: it would hold them idle again. */
const requeuesMax = 3;

interface Due {
  readonly finding: Finding;
  readonly limit: IdleLimit;
}

/** Its GPUs are to be taken from it now: all are idle, for longer than a limit allows, and its owner was warned in time. */
export function reclaimDue(world: World, job: Job, now: Instant, warningMs: number): Due | undefined {
  const finding = openFindings(job).find(({ kind, whole }) => kind === "idle" && whole);
  if (!finding || now - finding.noticedAt < warningMs) return undefined;
  const limit = idleLimits(world, job).find(({ afterMs, then }) => then !== "warn" && now - finding.since >= afterMs);
  return limit && { finding, limit };
}

export function reclaim(draft: Draft, job: Job, { finding, limit }: Due): void {
  const lasted = lasting(draft.now - finding.since);
  const watch = { ...(job.watch ?? noWatch), reclaims: (job.watch ?? noWatch).reclaims + 1 };
  const message = `none of its ${finding.gpus.length} GPUs was used for ${lasted}, and idleGpuLimit is ${lasting(limit.afterMs)}`;
  if (limit.then === "requeue" && watch.reclaims <= requeuesMax) {
    const { job: judged, verdict } = preempted({ ...job, watch }, message);
    stop(draft, judged, verdict);
    return;
  }
  const details = finding.gpus.map(({ node, uuid }) => ({ name: node, value: uuid }));
  const fault: ResourceFault = { code: "GpusIdle", message: `the job was ended: ${message}`, details };
  const outcome = { kind: "terminated", errors: [fault] } as const;
  const next = { kind: "finish", outcome } as const;
  stop(draft, { ...job, watch }, { next, attemptState: "terminated", reason: message, graceful: true });
}
