import { hostsOf } from "../grant/gang.js";
import type { World } from "../memory.js";
import { nodeNamed } from "../names.js";
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

/** The node and its peers, each as the others and launchers of MPI call it; the node first. */
export function hostsOfTest(world: World, node: Node, peers: readonly string[]): Array<{ node: string; host: string }> {
  if (peers.length === 0) return [];
  const nodes = [node, ...peers.flatMap((name) => nodeNamed(world, name) ?? [])];
  const hosts = hostsOf(nodes);
  return nodes.map(({ name }, at) => ({ node: name, host: hosts[at] ?? name }));
}
