import type { Candidate } from "../checks/check.js";
import { firstObjection, fitting, standing } from "../checks/index.js";
import { isLive, leaseOf } from "../indexes.js";
import type { World } from "../memory.js";
import { SortedMap } from "../sorted-map.js";
import type { Held, Instant, Job, Node } from "../state.js";
import { memoryFor } from "../usage.js";
import type { Policy } from "./policy.js";

/**
 * EASY backfill (Lifka, "The ANL/IBM SP scheduling system", 1995). The first job that can't start gets a reservation: the earliest time by
 * which enough of the running jobs must have ended, by their wall-clock limits. A later job may start now if it must end before that, or if
 * the reservation holds beside it. So the first is never delayed by those behind it, and large jobs don't starve.
 *
 * When no end of running jobs would do (nodes are missing), nothing can be reserved, and nobody is held back.
 */
export const backfill: Policy = {
  behind(world, head, candidates, now) {
    const reserved = reservation(world, head, candidates, now);
    return {
      objection(job, placement) {
        if (!reserved || now + job.request.wallClockMs <= reserved.at) return undefined;
        for (const { node, held } of placement.places) change(reserved.spaces, node, held, -1);
        if (fits(head, reserved.spaces)) return undefined;
        for (const { node, held } of placement.places) change(reserved.spaces, node, held, 1);
        return "it could delay the first job of the queue, whose turn is reserved";
      },
    };
  },
};

/** What is free on a node at some time. */
interface Space {
  readonly node: Node;
  gpus: number;
  cpus: number;
  memoryBytes: number;
  holders: number;
}

type Spaces = Map<Node["uuid"], Space>;

/** When `head` can start at the latest, and what is free then; undefined when that can't be told. */
export function reservation(
  world: World,
  head: Job,
  candidates: readonly Candidate[],
  now: Instant,
): { at: Instant; spaces: Spaces } | undefined {
  const spaces: Spaces = new Map();
  for (const candidate of candidates) {
    if (firstObjection([...standing, ...fitting], head, candidate, { world, now })) continue;
    const { node, usage, room } = candidate;
    spaces.set(node.uuid, {
      node,
      gpus: room.gpuUuids.length,
      cpus: room.cpus,
      memoryBytes: room.memoryBytes,
      holders: usage.holders.length,
    });
    if (usage.whole) fullyHeld(spaces, node);
  }
  if (fits(head, spaces)) return { at: now, spaces };
  for (const { job, endsAt } of endings(world, head, now)) {
    for (const share of leaseOf(job)?.shares ?? []) {
      const space = spaces.get(share.node);
      if (space && isLive(share)) change(spaces, space.node, share.held, 1);
    }
    if (fits(head, spaces)) return { at: endsAt, spaces };
  }
  return undefined;
}

/** Nothing is free beside a whole-node job; what its end gives back is everything. */
function fullyHeld(spaces: Spaces, node: Node): void {
  const space = spaces.get(node.uuid);
  if (space) Object.assign(space, { gpus: 0, cpus: 0, memoryBytes: 0 });
}

function endings(world: World, head: Job, now: Instant): Array<{ job: Job; endsAt: Instant }> {
  const ends: Array<{ job: Job; endsAt: Instant }> = [];
  const active = world.index.active.get(head.request.cluster) ?? SortedMap.empty<Job["uuid"]>();
  for (const uuid of active.values()) {
    const job = world.jobs.get(uuid);
    const lease = job && leaseOf(job);
    if (!job || !lease) continue;
    const endsAt = job.state.kind === "stopping" ? now : lease.grantedAt + job.request.wallClockMs;
    ends.push({ job, endsAt: Math.max(now, endsAt) });
  }
  return ends.sort((a, b) => a.endsAt - b.endsAt);
}

function change(spaces: Spaces, node: Node, held: Held, sign: 1 | -1): void {
  const space = spaces.get(node.uuid);
  if (!space) return;
  space.gpus += sign * held.gpuUuids.length;
  space.cpus += sign * held.cpus;
  space.memoryBytes += sign * held.memoryBytes;
  space.holders -= sign;
}

function fits({ request }: Job, spaces: Spaces): boolean {
  const { share, nodeCount } = request;
  let count = 0;
  for (const { node, gpus, cpus, memoryBytes, holders } of spaces.values()) {
    const good =
      share.kind === "whole"
        ? holders === 0
        : gpus >= share.gpus && cpus >= share.cpus && memoryBytes >= memoryFor(share, node);
    if (good) count += 1;
    if (count >= nodeCount) return true;
  }
  return false;
}
