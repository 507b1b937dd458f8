import { type JobId, type LeaseId, type NodeId, parseLeaseId } from "../../shared/ids.js";
import type { World } from "./memory.js";
import type { TableOf } from "./overlay.js";
import { queueKey } from "./policies/priority.js";
import { indexActiveOf } from "./quota/active.js";
import { isAwaited } from "./restored.js";
import { SortedMap } from "./sorted-map.js";
import type { Job, Lease, Node, Share } from "./state.js";
import { type Holder, nothingUsed, usageOf } from "./usage.js";

/** Keeps the indexes in step with one job or node row: what went (`before`) is taken out, what came (`after`) put in. */

export function leaseOf(job: Job): Lease | undefined {
  return "lease" in job.state ? job.state.lease : undefined;
}

/** A share that its node may still be acting on. */
export const isLive = (share: Share) => share.phase === "granted" || share.phase === "ready";

export function indexJob(world: World, before: Job | undefined, after: Job | undefined): void {
  const { index } = world;
  if (before === undefined && after !== undefined) {
    index.jobByName.set(`${after.experiment} ${after.name}`, after.uuid);
    edit(index.jobsOfExperiment, after.experiment, (jobs) => jobs.with(after.sequence, after.uuid));
    world.next.job = Math.max(world.next.job, after.sequence + 1);
  }
  if (before !== undefined && after === undefined) {
    index.jobByName.delete(`${before.experiment} ${before.name}`);
    edit(index.jobsOfExperiment, before.experiment, (jobs) => jobs.without(before.sequence));
    world.attempts.delete(before.uuid);
  }
  indexQueue(world, before, after);
  indexActive(world, before, after);
  indexShares(world, before, after);
}

function indexQueue(world: World, before: Job | undefined, after: Job | undefined): void {
  const was = before?.state.kind === "queued" ? before : undefined;
  const is = after?.state.kind === "queued" ? after : undefined;
  if (was && !is) {
    edit(world.index.queue, was.request.cluster, (queue) => queue.without(queueKey(was)));
    countQueued(world, was, -1);
  }
  if (is && !was) {
    edit(world.index.queue, is.request.cluster, (queue) => queue.with(queueKey(is), is.uuid));
    countQueued(world, is, 1);
  }
}

function countQueued(world: World, { request: { cluster, nodeCount } }: Job, change: 1 | -1): void {
  const sizes = new Map(world.index.queuedSizes.get(cluster));
  const count = (sizes.get(nodeCount) ?? 0) + change;
  if (count === 0) sizes.delete(nodeCount);
  else sizes.set(nodeCount, count);
  if (sizes.size === 0) world.index.queuedSizes.delete(cluster);
  else world.index.queuedSizes.set(cluster, sizes);
}

function indexActive(world: World, before: Job | undefined, after: Job | undefined): void {
  const was = before && leaseOf(before) ? before : undefined;
  const is = after && leaseOf(after) ? after : undefined;
  if (was && !is) edit(world.index.active, was.request.cluster, (jobs) => jobs.without(was.sequence));
  if (is && !was) edit(world.index.active, is.request.cluster, (jobs) => jobs.with(is.sequence, is.uuid));
  if (was?.experiment !== is?.experiment || leaseIdOf(was) !== leaseIdOf(is)) {
    if (was) indexActiveOf(world, was, leaseOf(was), -1);
    if (is) indexActiveOf(world, is, leaseOf(is), 1);
  }
}

const leaseIdOf = (job: Job | undefined) => (job ? leaseOf(job)?.id : undefined);

function indexShares(world: World, before: Job | undefined, after: Job | undefined): void {
  const was = before ? leaseOf(before) : undefined;
  const is = after ? leaseOf(after) : undefined;
  if (was === is) return;
  const held = (lease: Lease | undefined) => (lease?.shares ?? []).filter(isLive);
  const kept = new Set(was?.id === is?.id ? held(is).map(({ node }) => node) : []);
  const had = new Set(was?.id === is?.id ? held(was).map(({ node }) => node) : []);
  if (was) for (const { node } of held(was)) if (!kept.has(node)) release(world, node, was.id);
  if (is && after) {
    for (const { node, held: what } of held(is)) {
      if (!had.has(node)) take(world, node, { lease: is.id, job: after.uuid, held: what, zombie: false });
    }
  }
}

function release(world: World, node: NodeId, lease: LeaseId): void {
  const holders = (world.index.usage.get(node) ?? nothingUsed).holders;
  world.index.usage.set(node, usageOf(holders.filter((holder) => holder.lease !== lease || holder.zombie)));
  roomChanged(world, world.nodes.get(node));
}

function take(world: World, node: NodeId, holder: Holder): void {
  world.index.usage.set(node, usageOf([...(world.index.usage.get(node) ?? nothingUsed).holders, holder]));
}

export function indexNode(world: World, before: Node | undefined, after: Node | undefined): void {
  const { index } = world;
  if (before === undefined && after !== undefined) {
    index.nodeByName.set(after.name, after.uuid);
    world.next.node = Math.max(world.next.node, after.sequence + 1);
  }
  if (before?.cluster !== after?.cluster) {
    if (before?.cluster) edit(index.nodesOfCluster, before.cluster, (nodes) => nodes.without(before.sequence));
    if (after?.cluster) edit(index.nodesOfCluster, after.cluster, (nodes) => nodes.with(after.sequence, after.uuid));
  }
  if (after !== undefined && before?.zombies !== after.zombies) {
    const live = (index.usage.get(after.uuid) ?? nothingUsed).holders.filter(({ zombie }) => !zombie);
    const zombies = after.zombies.map(({ lease, held }) => ({ lease, job: jobOf(lease), held, zombie: true }));
    index.usage.set(after.uuid, usageOf([...live, ...zombies]));
  }
  if (before !== undefined && after === undefined) {
    index.nodeByName.delete(before.name);
    index.usage.delete(before.uuid);
    world.liveness.delete(before.uuid);
  }
  if (after !== undefined && isAwaited(world, after)) index.awaited.set(after.uuid, after.name);
  else if (before !== undefined) index.awaited.delete(before.uuid);
  roomChanged(world, before);
  roomChanged(world, after);
}

/** What could not start before may be able to now. */
export function roomChanged(world: World, node: Node | undefined): void {
  if (node?.cluster) world.index.blocked.delete(node.cluster);
}

function jobOf(lease: LeaseId): JobId {
  return parseLeaseId(lease)?.job ?? ("" as JobId);
}

function edit<K, V>(table: TableOf<K, SortedMap<V>>, key: K, change: (map: SortedMap<V>) => SortedMap<V>): void {
  const changed = change(table.get(key) ?? SortedMap.empty<V>());
  if (changed.size === 0) table.delete(key);
  else table.set(key, changed);
}
