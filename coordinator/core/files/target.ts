import { Fault } from "../../../shared/fault.js";
import { leaseOf } from "../indexes.js";
import type { World } from "../memory.js";
import { findCluster, findJob, findNode, idOfCluster, idOfJob } from "../names.js";
import { executionStateOf } from "../queries.js";
import type { Node } from "../state.js";

export interface Target {
  readonly node: string;
  /** Of the job's attempt that was meant; "" when a node was. */
  readonly leaseId: string;
}

/** The node that a user means. Throws a Fault when there is none. */
export function targetOf(
  world: World,
  asked: { nodeId: string; clusterId: string; jobId: string } | undefined,
): Target {
  const { nodeId = "", clusterId = "", jobId = "" } = asked ?? {};
  if (jobId !== "") return targetOfJob(world, jobId, nodeId);
  if (clusterId !== "") return { node: targetOfCluster(world, clusterId, nodeId), leaseId: "" };
  if (nodeId === "") throw new Fault("invalid-argument", "target: no node, cluster or job is named");
  return { node: findNode(world, nodeId).name, leaseId: "" };
}

function targetOfJob(world: World, jobId: string, nodeId: string): Target {
  const job = findJob(world, jobId);
  const lease = leaseOf(job);
  if (!lease || job.state.kind === "stopping") {
    throw new Fault(
      "failed-precondition",
      `job ${idOfJob(world, job)} runs on no node: it is ${executionStateOf(job)}`,
    );
  }
  const names = lease.shares.map(({ nodeName }) => nodeName);
  const wanted = nodeId === "" ? names[0] : findNode(world, nodeId).name;
  if (wanted === undefined || !names.includes(wanted)) {
    throw new Fault(
      "not-found",
      `${wanted} is not a node of job ${idOfJob(world, job)}, which runs on ${names.join(", ")}`,
    );
  }
  return { node: wanted, leaseId: lease.id };
}

function targetOfCluster(world: World, clusterId: string, nodeId: string): string {
  const cluster = findCluster(world, clusterId);
  const members = [...world.nodes.values()].filter((node) => node.cluster === cluster.uuid).sort(byEnrolment);
  const id = idOfCluster(world, cluster);
  if (nodeId !== "") {
    const node = findNode(world, nodeId);
    if (node.cluster === cluster.uuid) return node.name;
    throw new Fault("not-found", `${node.name} is not a node of ${id}; \`stoker cluster node list\` shows them`);
  }
  const first = members[0];
  if (!first) throw new Fault("failed-precondition", `${id} has no nodes now`);
  return first.name;
}

const byEnrolment = (a: Node, b: Node) => a.sequence - b.sequence;
