import { classMatches } from "../cluster.js";
import type { World } from "../memory.js";
import type { Cluster, JobRequest, NodeInventory } from "../state.js";
import { refuse } from "./fields.js";

/**
 * Refuses what could never run: more nodes than the cluster may have, or more of a node than any enrolled machine of its class has. While
 * no such machine is enrolled, only the cluster's own size is held against the job.
 */
export function possible(request: JobRequest, cluster: Cluster, world: World): void {
  const { maximum } = cluster.size;
  if (request.nodeCount > maximum) {
    const size = maximum === 1 ? "1 node" : `${maximum} nodes`;
    refuse("nodeCount", `${request.nodeCount} is more than the ${size} that cluster ${cluster.name} can have`);
  }
  const { share } = request;
  if (share.kind === "whole") return;
  const machines: NodeInventory[] = [];
  for (const { inventory } of world.nodes.values())
    if (classMatches(world, cluster, inventory)) machines.push(inventory);
  if (machines.length === 0) return;
  const most = (amount: (machine: NodeInventory) => number) => Math.max(...machines.map(amount));
  const gpus = most((machine) => machine.gpus.length);
  if (share.gpus > gpus)
    refuse("resources.gpus", `${share.gpus} asked, but no machine of ${cluster.name} has more than ${gpus}`);
  const cpus = most((machine) => machine.cpus);
  if (share.cpus > cpus)
    refuse("resources.cpus", `${share.cpus} asked, but no machine of ${cluster.name} has more than ${cpus}`);
  const bytes = most((machine) => machine.memoryBytes);
  if ((share.memoryBytes ?? 0) > bytes) {
    refuse(
      "resources.memory",
      `${share.memoryBytes} bytes asked, but no machine of ${cluster.name} has more than ${bytes}`,
    );
  }
  const { gpus: g, cpus: c, memoryBytes: m = 0 } = share;
  const fits = ({ gpus, cpus, memoryBytes }: NodeInventory) => gpus.length >= g && cpus >= c && memoryBytes >= m;
  if (!machines.some(fits)) refuse("resources", `no machine of cluster ${cluster.name} has all of it together`);
}
