import type { NodeId } from "../../../shared/ids.js";
import { classMatches, isBusy, membersOf } from "../cluster.js";
import { conditionsOf } from "../health/conditions.js";
import type { World } from "../memory.js";
import { conditionOf } from "../preparation/condition.js";
import { SortedMap } from "../sorted-map.js";
import type { Cluster, Job, Node, NodeInventory } from "../state.js";
import { SweepLimits } from "../sweep-limits.js";
import { memoryFor, nothingUsed, roomOn } from "../usage.js";
import { isLowPriority } from "./priority.js";

/** What a machine must have at least. */
export interface Demand {
  readonly gpus: number;
  readonly cpus: number;
  readonly memoryBytes: number;
}

export const anyMachine: Demand = { gpus: 0, cpus: 0, memoryBytes: 0 };

export const meets = ({ gpus, cpus, memoryBytes }: NodeInventory, demand: Demand) =>
  gpus.length >= demand.gpus && cpus >= demand.cpus && memoryBytes >= demand.memoryBytes;

/** What the first jobs of a queue would take of nodes that do nothing now. */
export interface Claim {
  /** Of the job: who came first. */
  readonly sequence: number;
  /** Idle nodes of the cluster. */
  readonly own: readonly NodeId[];
  /** Nodes that it does not have. */
  readonly more: readonly Demand[];
}

/** How far into a queue is looked: each pass costs so much at most. */
const lookAhead = 200;

interface Space {
  /** Absent: a machine that the cluster does not have yet. */
  readonly node?: Node;
  gpus: number;
  cpus: number;
  memoryBytes: number;
  /** Nothing is on it. */
  empty: boolean;
}

/**
 * A cluster that scales by itself needs nodes for the jobs of its queue, in their order, packed as placement would: into the room beside running
 * jobs, then onto its idle nodes, then onto further ones while it may have more. Jobs that something else holds back need none. A gang that
 * can't be complete yet claims what it can get, so that smaller jobs don't starve it.
 */
export function claimsOf(world: World, cluster: Cluster): Claim[] {
  const { minimum, maximum } = cluster.size;
  const queue = world.index.queue.get(cluster.uuid);
  if (minimum === maximum || !queue) return [];
  const members = [...membersOf(world, cluster)].filter(({ lost }) => !lost);
  const spaces = members.filter((node) => isUsable(world, node)).map((node) => spaceOn(world, node));
  let left = maximum - members.length;
  if (left <= 0 && spaces.every(({ empty }) => !empty)) return [];
  const largest = largestOf(world, cluster);
  const limits = new SweepLimits(world, cluster);
  const claims: Claim[] = [];
  let seen = 0;
  for (const uuid of (queue ?? SortedMap.empty<Job["uuid"]>()).values()) {
    seen += 1;
    const job = world.jobs.get(uuid);
    if (seen > lookAhead || (left <= 0 && spaces.every(({ empty }) => !empty))) break;
    if (!job || limits.holds(job)) continue;
    const chosen = spaces
      .filter((space) => fits(job, space))
      .sort(byFullness)
      .slice(0, job.request.nodeCount);
    const more = Math.min(Math.max(0, left), job.request.nodeCount - chosen.length);
    const fresh = Array.from({ length: more }, () => ({ ...largest }));
    const own = chosen.flatMap(({ node, empty }) => (node && empty ? [node.uuid] : []));
    for (const space of [...chosen, ...fresh]) occupy(job, space);
    spaces.push(...fresh);
    left -= more;
    limits.started(job);
    const { sequence } = job;
    if (own.length + more > 0) claims.push({ sequence, own, more: fresh.map(() => demandOf(job)) });
  }
  return claims;
}

/** Jobs may start there, now or when it is prepared. */
export function isUsable(world: World, node: Node): boolean {
  if (node.lost || node.leaving || node.drained) return false;
  const { state } = conditionOf(world, node);
  return state === "idle" || state === "running" || state === "preparing";
}

function spaceOn(world: World, node: Node): Space {
  const { gpuUuids, cpus, memoryBytes } = roomOn(
    node,
    world.index.usage.get(node.uuid) ?? nothingUsed,
    conditionsOf(world, node),
  );
  return { node, gpus: gpuUuids.length, cpus, memoryBytes, empty: !isBusy(world, node) };
}

/** As a further machine is taken to be: with the most of everything that any of the class has. */
function largestOf(world: World, cluster: Cluster): Space {
  const most = { gpus: 0, cpus: 1, memoryBytes: 0, empty: true };
  for (const { inventory } of world.nodes.values()) {
    if (!classMatches(world, cluster, inventory) || (inventory.reclaimable && !isLowPriority(cluster))) continue;
    most.gpus = Math.max(most.gpus, inventory.gpus.length);
    most.cpus = Math.max(most.cpus, inventory.cpus);
    most.memoryBytes = Math.max(most.memoryBytes, inventory.memoryBytes);
  }
  return most;
}

function demandOf({ request: { share } }: Job): Demand {
  if (share.kind === "whole") return anyMachine;
  return { gpus: share.gpus, cpus: share.cpus, memoryBytes: share.memoryBytes ?? 0 };
}

const memoryIn = (share: Extract<Job["request"]["share"], { kind: "part" }>, { node }: Space) =>
  node ? memoryFor(share, node) : (share.memoryBytes ?? 0);

function fits({ request: { share } }: Job, space: Space): boolean {
  if (share.kind === "whole") return space.empty;
  return space.gpus >= share.gpus && space.cpus >= share.cpus && space.memoryBytes >= memoryIn(share, space);
}

function occupy({ request: { share } }: Job, space: Space): void {
  if (share.kind === "whole") Object.assign(space, { gpus: 0, cpus: 0, memoryBytes: 0 });
  else {
    space.gpus -= share.gpus;
    space.cpus -= share.cpus;
    space.memoryBytes -= memoryIn(share, space);
  }
  space.empty = false;
}

/** Nodes at work first, then those that are there, then those that are to come; and the fullest first, as placement does. */
const byFullness = (a: Space, b: Space) =>
  Number(a.empty) - Number(b.empty) ||
  Number(!a.node) - Number(!b.node) ||
  a.gpus - b.gpus ||
  a.cpus - b.cpus ||
  a.memoryBytes - b.memoryBytes;
