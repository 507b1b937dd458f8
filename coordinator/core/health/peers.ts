import type { World } from "../memory.js";
import type { Node } from "../state.js";
import { nothingUsed } from "../usage.js";

/** More tell nothing that these don't. */
const peersMax = 4;

/** Nodes of its cluster on which nobody would be disturbed: without jobs, and connected. */
export function freePeers(world: World, node: Node): string[] {
  const members = node.cluster ? (world.index.nodesOfCluster.get(node.cluster)?.values() ?? []) : [];
  const names: string[] = [];
  for (const uuid of members) {
    const other = world.nodes.get(uuid);
    const liveness = world.liveness.get(uuid);
    const isFree = (world.index.usage.get(uuid) ?? nothingUsed).holders.length === 0;
    if (other && uuid !== node.uuid && isFree && liveness?.tests && liveness.session !== "") names.push(other.name);
    if (names.length === peersMax) break;
  }
  return names;
}
