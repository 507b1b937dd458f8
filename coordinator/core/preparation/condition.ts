import { isBusy, isConnected, membersOf } from "../cluster.js";
import type { Draft } from "../draft.js";
import type { NodeCondition } from "../liveness.js";
import type { World } from "../memory.js";
import type { Cluster, Node } from "../state.js";
import { withheldReason } from "../witnesses/quorum.js";
import { readinessOf, unreadiness } from "./readiness.js";

/**
 * The state of a node, and why, when that is not plain.
 *
 *   free ──(taken by a cluster)──▶ preparing ──(mounted, set up)──▶ idle ◀──▶ running ──(cluster is smaller)──▶ leaving ──▶ free
 *                                    │  ▲                            │
 *                          (failure) ▼  │ (retry, mounts come back)  ▼ (no connection, not healthy)
 *                                  unusable ◀────────────────────────┘
 */
export function conditionOf(world: World, node: Node): { state: NodeCondition; reason: string } {
  const liveness = world.liveness.get(node.uuid);
  if (node.lost) return { state: "lost", reason: "its agent has fallen silent" };
  const waits = withheldReason(world, node, world.clock.tickedAt);
  if (waits !== undefined) return { state: "unusable", reason: waits };
  const reason = node.drained ? `drained${node.drained.reason === "" ? "" : `: ${node.drained.reason}`}` : "";
  if (isBusy(world, node)) {
    const unfit = liveness?.unhealthyReason ? `takes nothing new: ${liveness.unhealthyReason}` : "";
    return { state: node.leaving ? "leaving" : "running", reason: reason === "" ? unfit : reason };
  }
  if (!isConnected(world, node)) return { state: "unusable", reason: "its agent is not connected" };
  const readiness = readinessOf(world, node);
  const unready = unreadiness(readiness, world.clock.tickedAt);
  if (readiness.kind === "failed") return { state: "unusable", reason: unready ?? "" };
  if (liveness?.owner && liveness.owner.closed !== "") return { state: "unusable", reason: liveness.owner.closed };
  if (liveness && liveness.unhealthyReason !== "") return { state: "unusable", reason: liveness.unhealthyReason };
  if (unready !== undefined) return { state: "preparing", reason: unready };
  if (liveness && liveness.strangers.length > 0) return { state: "preparing", reason: "ends attempts of deleted jobs" };
  return { state: node.cluster ? "idle" : "free", reason };
}

/** Each of a cluster's nodes is counted in exactly one of them. */
export interface NodeStateCounts {
  readonly idle: number;
  readonly running: number;
  readonly preparing: number;
  readonly unusable: number;
  readonly leaving: number;
}

export function nodeStateCounts(world: World, cluster: Cluster): NodeStateCounts {
  const counts = { idle: 0, running: 0, preparing: 0, unusable: 0, leaving: 0 };
  for (const node of membersOf(world, cluster)) counts[countedAs[conditionOf(world, node).state]] += 1;
  return counts;
}

/** Batch AI knew neither lost nodes nor, in a cluster, free ones. */
const countedAs: Record<NodeCondition, keyof NodeStateCounts> = {
  ...{ idle: "idle", running: "running", preparing: "preparing", unusable: "unusable", leaving: "leaving" },
  ...{ lost: "unusable", free: "idle" },
};

/** Remembers, for views, when nodes came into their state. What comes by time alone is seen at the next tick. */
export function noteConditions(draft: Draft, nodes: Iterable<Node["uuid"]>): void {
  for (const uuid of nodes) {
    const node = draft.world.nodes.get(uuid);
    const liveness = draft.world.liveness.get(uuid);
    if (!node || !liveness) continue;
    const { state } = conditionOf(draft.world, node);
    if (liveness.condition?.state === state) continue;
    const condition = { state, since: draft.now };
    draft.note({ kind: "liveness", node: uuid, liveness: { ...liveness, condition }, roomChanged: false });
  }
}
