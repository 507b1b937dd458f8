import { classMatches } from "../cluster.js";
import type { World } from "../memory.js";
import type { Cluster, Node } from "../state.js";

/** Its nodes may be taken away at any time; in return it may have machines that their owners only lend. */
export const isLowPriority = ({ spec }: Cluster) => spec.vmPriority.toLowerCase() === "lowpriority";

/** A machine that its owner may want back serves low-priority clusters alone. */
export const suitsPriority = (cluster: Cluster, { inventory }: Node) =>
  isLowPriority(cluster) || inventory.reclaimable !== true;

export const suits = (world: World, cluster: Cluster, node: Node) =>
  suitsPriority(cluster, node) && classMatches(world, cluster, node.inventory);
