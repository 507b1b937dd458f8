import { isBusy } from "../cluster.js";
import type { World } from "../memory.js";
import type { Workspace } from "../state.js";
import { nothingUsed } from "../usage.js";
import { activeIn } from "./active.js";
import { nodesIn } from "./nodes.js";
import type { Quota } from "./quota.js";

/** How much of one thing is used. */
export interface UsageOf {
  readonly name: keyof Quota;
  readonly current: number;
  /** Absent: no limit. */
  readonly limit?: number;
}

const of = (name: keyof Quota, current: number, limit: number | undefined): UsageOf =>
  limit === undefined ? { name, current } : { name, current, limit };

export function usagesOfWorkspace(world: World, workspace: Workspace): UsageOf[] {
  const { jobs, gpus } = activeIn(world, workspace);
  const clusters = [...world.clusters.values()].filter((cluster) => cluster.workspace === workspace.uuid).length;
  const { quota = {} } = workspace;
  return [
    of("clusters", clusters, quota.clusters),
    of("nodes", nodesIn(world, workspace.uuid), quota.nodes),
    of("gpus", gpus, quota.gpus),
    of("runningJobs", jobs, quota.runningJobs),
  ];
}

/** Of all that there is: nodes that are in clusters, and GPUs that are promised. The limits are what is enrolled. */
export function usagesOfSite(world: World): UsageOf[] {
  const nodes = [...world.nodes.values()];
  const used = nodes.reduce((sum, { uuid }) => sum + (world.index.usage.get(uuid) ?? nothingUsed).gpuUuids.size, 0);
  const gpus = nodes.reduce((sum, { inventory }) => sum + inventory.gpus.length, 0);
  let running = 0;
  for (const experiment of world.index.activeOfExperiment.keys()) {
    running += world.index.activeOfExperiment.get(experiment)?.jobs ?? 0;
  }
  return [
    of("clusters", [...world.clusters.values()].length, undefined),
    of("nodes", nodes.filter((node) => node.cluster !== undefined || isBusy(world, node)).length, nodes.length),
    of("gpus", used, gpus),
    of("runningJobs", running, undefined),
  ];
}
