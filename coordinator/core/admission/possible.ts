import { Fault } from "../../../shared/fault.js";
import { gpusNeeded } from "../checks/quota.js";
import { classMatches } from "../cluster.js";
import type { World } from "../memory.js";
import type { Cluster, JobRequest, NodeInventory, Workspace } from "../state.js";
import { refuse } from "./fields.js";

/**
 * Refuses what could never run: more of a node than any enrolled machine of the cluster's class has. While no such machine is enrolled, nothing is
 * held against the job. One that needs more nodes than its cluster is to have waits: the cluster can be made larger at any time.
 */
export function possible(request: JobRequest, cluster: Cluster, world: World): void {
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

/** Refuses what the limits would hold back for good. */
export function withinQuota(request: JobRequest, cluster: Cluster, world: World, workspace: Workspace): void {
  const { runningJobs, gpus } = workspace.quota ?? {};
  const needed = gpusNeeded(world, request);
  if (runningJobs === 0) throw overQuota(`workspace ${workspace.name} may run no jobs`, workspace, "running-jobs");
  if (gpus !== undefined && needed > gpus) {
    throw overQuota(`${needed} GPUs needed, and workspace ${workspace.name} may have ${gpus}`, workspace, "gpus");
  }
  const owner = world.workspaces.get(cluster.workspace);
  const nodes = owner?.quota?.nodes;
  if (!owner || nodes === undefined || request.nodeCount <= nodes) return;
  const words = `${request.nodeCount} nodes, and the clusters of workspace ${owner.name} may have ${nodes}`;
  throw overQuota(words, owner, "nodes");
}

function overQuota(words: string, { name }: Workspace, option: string): Fault {
  const help = `\`stoker workspace quota set -n ${name} --${option} N\` changes it`;
  return new Fault("resource-exhausted", `${words}; ${help}`);
}
