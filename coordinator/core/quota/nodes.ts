import { Fault } from "../../../shared/fault.js";
import type { ClusterId, NodeId } from "../../../shared/ids.js";
import type { World } from "../memory.js";
import { SortedMap } from "../sorted-map.js";
import type { Cluster, ClusterSize, Workspace } from "../state.js";

const clustersOf = (world: World, workspace: Workspace["uuid"]) =>
  [...world.clusters.values()].filter((cluster) => cluster.workspace === workspace);

/** In the workspace's clusters; a lost node, which is to be replaced, is not counted. */
export function nodesIn(world: World, workspace: Workspace["uuid"]): number {
  let count = 0;
  for (const { uuid } of clustersOf(world, workspace)) {
    const members = world.index.nodesOfCluster.get(uuid) ?? SortedMap.empty<NodeId>();
    for (const node of members.values()) if (!world.nodes.get(node)?.lost) count += 1;
  }
  return count;
}

/** How many more nodes the workspace's quota lets its clusters have. */
export function nodesLeft(world: World, workspace: Workspace["uuid"]): number {
  const most = world.workspaces.get(workspace)?.quota?.nodes;
  return most === undefined ? Number.POSITIVE_INFINITY : Math.max(0, most - nodesIn(world, workspace));
}

/**
 * A cluster may want no more than the quota at its largest, and all clusters no more at their smallest. Beyond that they share: nodes are taken
 * while the quota has some left.
 */
export function refuseOverNodes(world: World, workspace: Workspace, size: ClusterSize, own?: ClusterId): void {
  const most = workspace.quota?.nodes;
  if (most === undefined) return;
  const help = `\`stoker workspace quota set -n ${workspace.name} --nodes N\` changes it`;
  const limit = `the quota of workspace ${workspace.name} is ${most} nodes`;
  if (size.maximum > most)
    throw new Fault("resource-exhausted", `scaleSettings: ${size.maximum} nodes; ${limit}; ${help}`);
  const others = clustersOf(world, workspace.uuid).filter(({ uuid }) => uuid !== own);
  const held = others.reduce((sum, cluster) => sum + cluster.size.minimum, 0);
  if (size.minimum + held <= most) return;
  throw new Fault(
    "resource-exhausted",
    `scaleSettings: ${size.minimum} nodes and the ${held} of its other clusters; ${limit}; ${help}`,
  );
}

export function refuseOverClusters(world: World, workspace: Workspace): void {
  const most = workspace.quota?.clusters;
  const count = clustersOf(world, workspace.uuid).length;
  if (most === undefined || count < most) return;
  throw new Fault(
    "resource-exhausted",
    `workspace ${workspace.name} has ${count} clusters, as many as its quota allows: delete one, or \`stoker workspace quota set -n ${workspace.name} --clusters N\``,
  );
}

/** Said of a cluster that is short of nodes. */
export function nodesShortage(world: World, cluster: Cluster): string | undefined {
  const workspace = world.workspaces.get(cluster.workspace);
  if (!workspace || nodesLeft(world, workspace.uuid) > 0) return undefined;
  return `workspace ${workspace.name} has the ${workspace.quota?.nodes} nodes that its quota allows`;
}
