import type { Draft } from "./draft.js";
import { machineFits } from "./machine-class.js";
import type { World } from "./memory.js";
import { orderPreparation } from "./preparation/order.js";
import { SortedMap } from "./sorted-map.js";
import type { Cluster, Node, NodeInventory } from "./state.js";
import { nothingUsed } from "./usage.js";

export const classMatches = (world: World, cluster: Cluster, inventory: NodeInventory) =>
  machineFits(world, cluster.spec, inventory);

export function* membersOf(world: World, cluster: Cluster): Generator<Node> {
  for (const uuid of (world.index.nodesOfCluster.get(cluster.uuid) ?? SortedMap.empty<Node["uuid"]>()).values()) {
    const node = world.nodes.get(uuid);
    if (node) yield node;
  }
}

export const isBusy = (world: World, node: Node) =>
  (world.index.usage.get(node.uuid) ?? nothingUsed).holders.length > 0;
export const isConnected = (world: World, node: Node) => (world.liveness.get(node.uuid)?.session ?? "") !== "";

export function changeCluster(draft: Draft, node: Node, cluster: Cluster | undefined): void {
  const { cluster: before, leaving: _, ...rest } = node;
  // Never one that was before, however fast it comes and goes.
  const membership = { since: Math.max(draft.now, (node.membership?.since ?? 0) + 1), tries: 0 };
  const after: Node = cluster ? { ...rest, cluster: cluster.uuid, membership } : rest;
  draft.put("node", after);
  draft.nodeChanged(node.uuid);
  if (before) draft.touched.add(before);
  if (cluster) draft.touched.add(cluster.uuid);
  orderPreparation(draft, after);
}
