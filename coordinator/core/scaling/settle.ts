import type { Draft } from "../draft.js";
import type { Cluster } from "../state.js";
import { noteAllocations } from "./allocation.js";
import { Assignment } from "./assignment.js";
import { type Claim, claimsOf } from "./claims.js";
import { floorOf, letGo } from "./release.js";

/**
 * Which nodes a cluster has. It takes free machines of its class until it has as many as it asks for, and lets go of what is over; a lost node is
 * replaced and, once there are enough others, let go.
 *
 *   free ──(wanted, class fits, connected)──▶ member ──(over the maximum, or idle for long | lost)──▶ free
 *                                              │  ▲                                               ▲
 *                              (over, but busy)▼  │(wanted after all)                             │
 *                                             leaving ──(nothing runs there)──────────────────────┘
 *
 * A manual target is a cluster whose bounds are equal. One that scales by itself grows for its queue at once, and shrinks only by what has been
 * idle for a while: so it never goes to and fro between two jobs.
 */
export function settleMembership(draft: Draft): void {
  const { world } = draft;
  const clusters = [...world.clusters.values()].sort((a, b) => a.sequence - b.sequence);
  const claims = new Map<Cluster["uuid"], Claim[]>();
  for (const cluster of clusters) {
    const own = claimsOf(world, cluster);
    claims.set(cluster.uuid, own);
    letGo(draft, cluster, own);
  }
  const missing = new Assignment(draft, clusters, claims).run();
  // Enough others may have come for those that are lost.
  for (const cluster of clusters) letGo(draft, cluster, claims.get(cluster.uuid) ?? []);
  for (const cluster of clusters) endOfStart(draft, cluster);
  noteAllocations(draft, clusters, missing);
}

/** `initialNodeCount` counts until the cluster has had so many, or until it would have let go of them again. */
function endOfStart(draft: Draft, cluster: Cluster): void {
  const { initial, ...size } = cluster.size;
  if (initial === undefined) return;
  const { world, now } = draft;
  const members = world.index.nodesOfCluster.get(cluster.uuid)?.size ?? 0;
  const over = now - cluster.createdAt >= world.settings.scaleDownIdleMs;
  if (over || members >= floorOf(cluster)) draft.put("cluster", { ...cluster, size });
}
