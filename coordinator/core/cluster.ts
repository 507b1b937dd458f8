import type { Draft } from "./draft.js";
import { orderMounts } from "./grant/volumes.js";
import type { World } from "./memory.js";
import { SortedMap } from "./sorted-map.js";
import type { Cluster, Node, NodeInventory } from "./state.js";
import { nothingUsed } from "./usage.js";
import { deallocationOf, vacate } from "./vacate.js";

/**
 * Which nodes a cluster has. It takes free machines of its class, in order of enrolment, until it has as many live ones as it wants, and lets
 * go of idle ones that are over; a lost node is replaced and, once there are enough others, let go.
 *
 *   free ──(wanted, class fits, connected)──▶ member ──(over the want, idle | lost)──▶ free
 *                                              │  ▲                                     ▲
 *                              (over, but busy)▼  │(wanted after all)                   │
 *                                             leaving ──(nothing runs there)────────────┘
 */

export function classMatches(world: World, cluster: Cluster, inventory: NodeInventory): boolean {
  const wanted = cluster.spec.vmSize.trim().toLowerCase();
  if (wanted === "any") return true;
  const machine = inventory.machineClass.toLowerCase();
  if (wanted === machine) return true;
  for (const [alias, name] of Object.entries(world.settings.machineClasses)) {
    if (alias.toLowerCase() === wanted && name.toLowerCase() === machine) return true;
  }
  return false;
}

/** Nodes that the cluster wants now: its target, or what its jobs need between its bounds. */
export function wantedNodes(world: World, cluster: Cluster): number {
  const { minimum, maximum } = cluster.size;
  if (minimum === maximum) return maximum;
  const queued = world.index.queuedNodes.get(cluster.uuid) ?? 0;
  const busy = [...membersOf(world, cluster)].filter((node) => isBusy(world, node)).length;
  return Math.min(maximum, Math.max(minimum, queued + busy));
}

export function* membersOf(world: World, cluster: Cluster): Generator<Node> {
  for (const uuid of (world.index.nodesOfCluster.get(cluster.uuid) ?? SortedMap.empty<Node["uuid"]>()).values()) {
    const node = world.nodes.get(uuid);
    if (node) yield node;
  }
}

export const isBusy = (world: World, node: Node) =>
  (world.index.usage.get(node.uuid) ?? nothingUsed).holders.length > 0;
export const isConnected = (world: World, node: Node) => (world.liveness.get(node.uuid)?.session ?? "") !== "";

export function settleMembership(draft: Draft): void {
  const clusters = [...draft.world.clusters.values()].sort((a, b) => a.sequence - b.sequence);
  for (const cluster of clusters) letGo(draft, cluster);
  let free = freeNodes(draft.world);
  for (const cluster of clusters) {
    if (free.length === 0) return;
    const taken = take(draft, cluster, free);
    free = free.filter((node) => !taken.has(node.uuid));
  }
}

function freeNodes(world: World): Node[] {
  return [...world.nodes.values()]
    .filter((node) => !node.cluster && !node.lost && !node.drained?.reclaimed && isConnected(world, node))
    .sort((a, b) => a.sequence - b.sequence);
}

function letGo(draft: Draft, cluster: Cluster): void {
  for (const node of [...membersOf(draft.world, cluster)]) {
    if (node.drained?.reclaimed && !isBusy(draft.world, node)) changeCluster(draft, node, undefined);
  }
  const members = [...membersOf(draft.world, cluster)].reverse();
  let over = members.length - wantedNodes(draft.world, cluster);
  // The lost first, then those that are on their way out, then the latest to come.
  const rank = (node: Node) => (node.lost ? 0 : node.leaving ? 1 : 2);
  const busy: Node[] = [];
  for (const node of members.sort((a, b) => rank(a) - rank(b))) {
    if (!node.lost && isBusy(draft.world, node)) busy.push(node);
    else if (over > 0) {
      changeCluster(draft, node, undefined);
      over -= 1;
    } else if (node.leaving) stay(draft, node);
  }
  for (const [at, node] of busy.entries()) {
    if (at < over) leave(draft, node, cluster);
    else if (node.leaving) stay(draft, node);
  }
}

function leave(draft: Draft, node: Node, cluster: Cluster): void {
  if (node.leaving) return;
  draft.put("node", { ...node, leaving: { since: draft.now } });
  draft.nodeChanged(node.uuid);
  vacate(
    draft,
    node,
    deallocationOf(cluster),
    `cluster ${cluster.name} was made smaller, and gives up node ${node.name}`,
  );
}

function stay(draft: Draft, { leaving: _, ...node }: Node): void {
  draft.put("node", node);
  draft.nodeChanged(node.uuid);
  if (node.cluster) draft.touched.add(node.cluster);
}

function take(draft: Draft, cluster: Cluster, free: readonly Node[]): Set<Node["uuid"]> {
  const taken = new Set<Node["uuid"]>();
  const members = [...membersOf(draft.world, cluster)];
  let missing = wantedNodes(draft.world, cluster) - members.filter(({ lost }) => !lost).length;
  for (const node of free) {
    if (missing <= 0) break;
    if (!classMatches(draft.world, cluster, node.inventory)) continue;
    changeCluster(draft, node, cluster);
    taken.add(node.uuid);
    missing -= 1;
  }
  if (taken.size > 0) letGo(draft, cluster);
  return taken;
}

export function changeCluster(draft: Draft, node: Node, cluster: Cluster | undefined): void {
  const { cluster: before, leaving: _, ...rest } = node;
  const after: Node = cluster ? { ...rest, cluster: cluster.uuid } : rest;
  draft.put("node", after);
  draft.nodeChanged(node.uuid);
  if (before) draft.touched.add(before);
  if (cluster) draft.touched.add(cluster.uuid);
  orderMounts(draft, after);
}
