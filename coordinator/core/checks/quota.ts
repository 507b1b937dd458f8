import { classMatches, membersOf } from "../cluster.js";
import type { World } from "../memory.js";
import { activeIn } from "../quota/active.js";
import type { Job, JobRequest, Workspace } from "../state.js";
import type { JobCheck } from "./check.js";

/** The workspace may have no more running jobs, or no more GPUs, for now. */
export const quota: JobCheck = (job, world) => {
  const uuid = world.experiments.get(job.experiment)?.workspace;
  const workspace = uuid && world.workspaces.get(uuid);
  const message = workspace?.quota && exceeded(world, job, workspace);
  return message === undefined ? undefined : { check: "quota", message };
};

function exceeded(world: World, job: Job, { name, quota: limits, ...workspace }: Workspace): string | undefined {
  const { runningJobs, gpus } = limits ?? {};
  if (runningJobs === undefined && gpus === undefined) return undefined;
  const active = activeIn(world, { name, ...workspace });
  if (runningJobs !== undefined && active.jobs >= runningJobs) {
    return `workspace ${name} has ${active.jobs} running ${active.jobs === 1 ? "job" : "jobs"}, of ${runningJobs} that its quota allows`;
  }
  const needed = gpus === undefined ? 0 : gpusNeeded(world, job.request);
  if (gpus === undefined || needed === 0 || active.gpus + needed <= gpus) return undefined;
  return `jobs of workspace ${name} hold ${active.gpus} GPUs, of ${gpus} that its quota allows, and it needs ${needed}`;
}

/** A job that takes whole nodes is counted with the GPUs of the largest that it could get. */
export function gpusNeeded(world: World, { share, cluster: uuid, nodeCount }: JobRequest): number {
  if (share.kind === "part") return nodeCount * share.gpus;
  const cluster = world.clusters.get(uuid);
  if (!cluster) return 0;
  const members = [...membersOf(world, cluster)];
  const nodes =
    members.length > 0
      ? members
      : [...world.nodes.values()].filter(({ inventory }) => classMatches(world, cluster, inventory));
  return nodeCount * Math.max(0, ...nodes.map(({ inventory }) => inventory.gpus.length));
}
