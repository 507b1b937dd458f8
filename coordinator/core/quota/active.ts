import type { World } from "../memory.js";
import type { Job, Lease, Workspace } from "../state.js";

/** What jobs hold together. */
export interface Active {
  readonly jobs: number;
  readonly gpus: number;
}

const nothing: Active = { jobs: 0, gpus: 0 };

/** Counts a job's lease among what its experiment holds, or (`sign` -1) no longer. */
export function indexActiveOf(world: World, job: Job, lease: Lease | undefined, sign: 1 | -1): void {
  const table = world.index.activeOfExperiment;
  const before = table.get(job.experiment) ?? nothing;
  const gpus = (lease?.shares ?? []).reduce((sum, { held }) => sum + held.gpuUuids.length, 0);
  const after = { jobs: before.jobs + sign, gpus: before.gpus + sign * gpus };
  if (after.jobs === 0) table.delete(job.experiment);
  else table.set(job.experiment, after);
}

/** Of all its experiments; an experiment whose jobs hold nothing costs nothing. */
export function activeIn(world: World, workspace: Workspace): Active {
  let { jobs, gpus } = nothing;
  for (const uuid of world.index.activeOfExperiment.keys()) {
    if (world.experiments.get(uuid)?.workspace !== workspace.uuid) continue;
    const held = world.index.activeOfExperiment.get(uuid) ?? nothing;
    jobs += held.jobs;
    gpus += held.gpus;
  }
  return { jobs, gpus };
}

/** Those that hold something now. */
export function* activeJobsOf(world: World, workspace: Workspace): Generator<Job> {
  for (const cluster of world.index.active.keys()) {
    for (const uuid of world.index.active.get(cluster)?.values() ?? []) {
      const job = world.jobs.get(uuid);
      if (job && world.experiments.get(job.experiment)?.workspace === workspace.uuid) yield job;
    }
  }
}
