import type { NodeId } from "../../shared/ids.js";
import { isLive, leaseOf } from "./indexes.js";
import type { World } from "./memory.js";
import { queueKey } from "./policies/priority.js";
import { nodeStateCounts } from "./preparation/condition.js";
import type { Cluster, Held, Job, Node } from "./state.js";
import { nothingUsed } from "./usage.js";

/** The laws over what is known, checked by tests after every step. Gives each break in words. */
export function brokenLaws(world: World): string[] {
  const held = heldByNode(world);
  return [
    ...[...world.nodes.values()].flatMap((node) => brokenOn(world, node, held.get(node.uuid) ?? [])),
    ...[...world.jobs.values()].flatMap((job) => brokenOf(world, job)),
    ...[...world.clusters.values()].flatMap((cluster) => stateless(world, cluster)),
    ...strayEntries(world),
    ...heldOtherwise(world),
    ...lingering(world),
  ];
}

interface Promised {
  readonly lease: string;
  readonly held: Held;
}

/** What live attempts hold, told from the jobs alone. */
function heldByNode(world: World): Map<NodeId, Promised[]> {
  const all = new Map<NodeId, Promised[]>();
  for (const job of world.jobs.values()) {
    const lease = leaseOf(job);
    for (const share of lease?.shares ?? []) {
      if (!isLive(share)) continue;
      const here = all.get(share.node) ?? [];
      here.push({ lease: lease?.id ?? "", held: share.held });
      all.set(share.node, here);
    }
  }
  return all;
}

/** No GPU, core or byte is promised twice. */
function brokenOn(world: World, node: Node, holders: readonly Promised[]): string[] {
  const broken: string[] = [];
  const all = [...holders, ...node.zombies];
  const gpus = all.flatMap(({ held }) => held.gpuUuids);
  if (new Set(gpus).size < gpus.length) broken.push(`a GPU of ${node.name} is promised twice`);
  const cpus = all.reduce((sum, { held }) => sum + held.cpus, 0);
  if (all.length > 1 && cpus > node.inventory.cpus) broken.push(`${cpus} cores of ${node.name} are promised`);
  const bytes = all.reduce((sum, { held }) => sum + held.memoryBytes, 0);
  if (all.length > 1 && bytes > node.inventory.memoryBytes) broken.push(`${bytes} bytes of ${node.name} are promised`);
  if (all.length > 1 && all.some(({ held }) => held.whole)) broken.push(`${node.name} is shared though taken whole`);
  const leases = all.map(({ lease }) => lease);
  if (new Set(leases).size < leases.length) broken.push(`${node.name} holds a lease as its own and as a zombie`);
  const indexed = (world.index.usage.get(node.uuid) ?? nothingUsed).holders.map(({ lease }) => lease).sort();
  if (indexed.join() !== [...leases].sort().join())
    broken.push(`the usage of ${node.name} says ${indexed.join()}, not ${leases.join()}`);
  if (node.cluster && node.lost === undefined) {
    const foreign = (world.index.usage.get(node.uuid) ?? nothingUsed).holders.find(
      ({ job, zombie }) => !zombie && world.jobs.get(job)?.request.cluster !== node.cluster,
    );
    if (foreign) broken.push(`${node.name} works for another cluster than its own`);
  }
  const member = node.cluster && world.index.nodesOfCluster.get(node.cluster)?.get(node.sequence) === node.uuid;
  if (node.cluster && !member) broken.push(`${node.name} is not among its cluster's nodes`);
  return broken;
}

/** Each node of a cluster is in exactly one state. */
function stateless(world: World, cluster: Cluster): string[] {
  const members = [...world.nodes.values()].filter((node) => node.cluster === cluster.uuid).length;
  const counted = Object.values(nodeStateCounts(world, cluster)).reduce((sum, count) => sum + count, 0);
  return counted === members ? [] : [`${counted} nodes of ${cluster.name} are in some state, of ${members}`];
}

/** One live attempt a job; every unfinished job queued or leased; nothing is started while an older attempt may run. */
function brokenOf(world: World, job: Job): string[] {
  const broken: string[] = [];
  const { cluster } = job.request;
  const queued = world.index.queue.get(cluster)?.get(queueKey(job)) === job.uuid;
  const active = world.index.active.get(cluster)?.get(job.sequence) === job.uuid;
  if (queued !== (job.state.kind === "queued"))
    broken.push(`${job.name} is ${job.state.kind} and ${queued ? "" : "not "}in the queue`);
  const lease = leaseOf(job);
  if (active !== (lease !== undefined))
    broken.push(`${job.name} is ${job.state.kind} and ${active ? "" : "not "}among the active`);
  if (lease && lease.attempt !== job.attempt)
    broken.push(`${job.name} holds attempt ${lease.attempt} at ${job.attempt}`);
  if (lease && !lease.shares.some(isLive)) broken.push(`${job.name} holds a lease that is over`);
  if (lease && job.state.kind !== "stopping" && !lease.shares.every(isLive)) {
    broken.push(`${job.name} goes on without one of its nodes`);
  }
  if (job.state.kind === "running" && !lease?.shares.every(({ phase }) => phase === "ready")) {
    broken.push(`${job.name} runs before all its nodes are ready`);
  }
  const attempts = world.attempts.get(job.uuid) ?? [];
  const open = attempts.filter(({ endedAt }) => endedAt === undefined);
  if (open.length !== (lease ? 1 : 0)) broken.push(`${job.name} has ${open.length} open attempts`);
  if (!world.experiments.has(job.experiment)) broken.push(`${job.name} has no experiment`);
  if (job.state.kind !== "finished" && !world.clusters.has(cluster)) broken.push(`${job.name} waits for no cluster`);
  for (const share of lease?.shares ?? []) {
    const node = world.nodes.get(share.node);
    if (isLive(share) && !node) broken.push(`${job.name} holds a node that is gone`);
    if (isLive(share) && node?.lost) broken.push(`${job.name} counts on a lost node`);
    const ghost = node?.zombies.some((zombie) => zombie.lease.startsWith(job.uuid) && zombie.lease !== lease?.id);
    if (isLive(share) && ghost) broken.push(`${job.name} is beside its own zombie on ${share.nodeName}`);
  }
  return broken;
}

/** What quotas are held against is what jobs hold. */
function heldOtherwise(world: World): string[] {
  const held = new Map<string, { jobs: number; gpus: number }>();
  for (const job of world.jobs.values()) {
    const lease = leaseOf(job);
    if (!lease) continue;
    const { jobs, gpus } = held.get(job.experiment) ?? { jobs: 0, gpus: 0 };
    const more = lease.shares.reduce((sum, share) => sum + share.held.gpuUuids.length, 0);
    held.set(job.experiment, { jobs: jobs + 1, gpus: gpus + more });
  }
  const counted = world.index.activeOfExperiment;
  return [...new Set<string>([...held.keys(), ...counted.keys()])].flatMap((uuid) => {
    const is = counted.get(uuid as Job["experiment"]);
    const should = held.get(uuid);
    const same = is?.jobs === should?.jobs && is?.gpus === should?.gpus;
    return same ? [] : [`experiment ${uuid} is counted with ${is?.jobs} jobs, not ${should?.jobs}`];
  });
}

/** What is being deleted goes with what it waits for; and nothing is left without the workspace that it is in. */
function lingering(world: World): string[] {
  const experiments = [...world.experiments.values()];
  const empty = [...world.workspaces.values()].filter(
    ({ uuid, deletingSince }) =>
      deletingSince !== undefined && !experiments.some(({ workspace }) => workspace === uuid),
  );
  const inside = [...experiments, ...world.clusters.values(), ...world.fileServers.values(), ...world.secrets.values()];
  const orphans = inside.filter(({ workspace }) => !world.workspaces.has(workspace));
  return [
    ...empty.map(({ name }) => `workspace ${name} is still being deleted, though it is empty`),
    ...orphans.map(({ name }) => `${name} is in no workspace`),
  ];
}

/** Indexes hold nothing that the rows don't. */
function strayEntries(world: World): string[] {
  const broken: string[] = [];
  for (const [name, index] of [
    ["queue", world.index.queue],
    ["active", world.index.active],
  ] as const) {
    for (const cluster of index.keys()) {
      for (const uuid of index.get(cluster)?.values() ?? []) {
        const job = world.jobs.get(uuid);
        const belongs =
          name === "queue" ? job?.state.kind === "queued" : job !== undefined && leaseOf(job) !== undefined;
        if (!belongs) broken.push(`${uuid} is in the index ${name}`);
      }
    }
  }
  return broken;
}
