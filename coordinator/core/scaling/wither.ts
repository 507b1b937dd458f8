import { changeCluster, isBusy, membersOf } from "../cluster.js";
import type { Draft } from "../draft.js";
import { finish, stop } from "../job.js";
import { SortedMap } from "../sorted-map.js";
import type { Cluster, Job } from "../state.js";
import { deallocationOf } from "../vacate.js";
import { displaced, outOfPlace } from "../verdict.js";

/**
 * The end of a cluster. It takes nothing new; its queued jobs end at once, the running ones too unless it lets jobs complete. Its nodes become free
 * as they become empty, and it is gone with the last of both. Jobs that have finished stay.
 */
export function beginWithering(draft: Draft, cluster: Cluster): void {
  if (cluster.deletingSince !== undefined) return;
  const withering = { ...cluster, deletingSince: draft.now, size: { minimum: 0, maximum: 0 } };
  draft.put("cluster", withering);
  draft.membershipStale = true;
  draft.touched.add(cluster.uuid);
  const completes = cluster.spec.scaleSettings?.manual && deallocationOf(cluster) === "waitforjobcompletion";
  if (completes) return;
  for (const job of jobsIn(draft, draft.world.index.active.get(cluster.uuid))) {
    const { job: judged, verdict } = outOfPlace(job, reasonOf(cluster));
    stop(draft, judged, verdict);
  }
}

/** What can go now goes. */
export function wither(draft: Draft, cluster: Cluster): void {
  const { world } = draft;
  for (const job of jobsIn(draft, world.index.queue.get(cluster.uuid))) {
    finish(draft, job, displaced(reasonOf(cluster)));
  }
  for (const node of [...membersOf(world, cluster)]) {
    if (node.lost || !isBusy(world, node)) changeCluster(draft, node, undefined);
  }
  const members = world.index.nodesOfCluster.get(cluster.uuid)?.size ?? 0;
  const active = world.index.active.get(cluster.uuid)?.size ?? 0;
  if (members > 0 || active > 0) return;
  draft.delete("cluster", cluster.uuid);
  draft.membershipStale = true;
}

const reasonOf = ({ name }: Cluster) => `its cluster ${name} was deleted`;

const jobsIn = (draft: Draft, jobs: SortedMap<Job["uuid"]> | undefined): Job[] =>
  [...(jobs ?? SortedMap.empty<Job["uuid"]>()).values()].flatMap((uuid) => draft.world.jobs.get(uuid) ?? []);
