import type { LeaseId } from "../../shared/ids.js";
import { leaseOf } from "./indexes.js";
import type { Frozen } from "./liveness.js";
import type { World } from "./memory.js";
import { nodeNamed } from "./names.js";
import type { Attempt, Job, Node } from "./state.js";

/** For people: what of an attempt stands still on a node, and why. */
export type Standstill = Pick<Frozen, "since" | "reason">;

/** As the node said, or as it must be since the node was declared lost: until then a silent node may have leave to run on. */
export function standstillOf(world: World, node: Node, lease: LeaseId): Standstill | undefined {
  const said = world.liveness.get(node.uuid)?.frozen.find((frozen) => frozen.lease === lease);
  if (said) return said;
  if (!node.lost || continues(world, lease)) return undefined;
  if (!node.zombies.some((zombie) => zombie.lease === lease)) return undefined;
  return { since: node.lost.since, reason: "must be by now: the node is silent" };
}

/** Of an attempt of the job, on the node of that name. */
export function standstillOfAttempt(
  world: World,
  job: Job,
  attempt: Attempt,
  nodeName: string,
): Standstill | undefined {
  const node = nodeNamed(world, nodeName);
  const live = leaseOf(job)?.attempt === attempt.number;
  if (!node || (!live && node.zombies.length === 0)) return undefined;
  return standstillOf(world, node, `${job.uuid}.${attempt.number}` as LeaseId);
}

function continues(world: World, lease: LeaseId): boolean {
  const job = world.jobs.get(lease.slice(0, lease.lastIndexOf(".")) as Job["uuid"]);
  return job?.spec.onLeaseLoss === "continue";
}
