import type { ClusterSpec } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import type { JobSpec } from "../../../shared/gen/stoker/v1/job_pb.js";
import { admitWord, refuse } from "../admission/fields.js";
import { admitDuration } from "../admission/quantities.js";
import type { World } from "../memory.js";
import type { Job } from "../state.js";

/** What becomes of a job none of whose GPUs is used for so long. */
export interface IdleLimit {
  readonly afterMs: number;
  readonly then: "warn" | "terminate" | "requeue";
}

const actions = ["warn", "terminate", "requeue"] as const;
const shortestMs = 60_000;

/** Undefined when nothing is said. `path`: of what holds the two fields, with its dot. */
export function admitIdleLimit(
  path: string,
  { idleGpuLimit, onIdleGpus }: Pick<JobSpec | ClusterSpec, "idleGpuLimit" | "onIdleGpus">,
): IdleLimit | undefined {
  const then = admitWord(`${path}onIdleGpus`, onIdleGpus, actions);
  if (idleGpuLimit === "") {
    if (then !== "warn") refuse(`${path}onIdleGpus`, `"${then}" needs idleGpuLimit, such as PT30M`);
    return undefined;
  }
  const afterMs = admitDuration(`${path}idleGpuLimit`, idleGpuLimit);
  if (afterMs < shortestMs)
    refuse(`${path}idleGpuLimit`, "is shorter than a minute; GPUs rest for longer while a job works");
  return { afterMs, then };
}

/** Those of its cluster and its own: each counts, so that a job can be stricter than its cluster, and not laxer. */
export function idleLimits(world: World, job: Job): IdleLimit[] {
  const cluster = world.clusters.get(job.request.cluster);
  const limits = [job.spec, ...(cluster ? [cluster.spec] : [])].map((spec) => admitIdleLimit("", spec));
  return limits.filter((limit) => limit !== undefined);
}
