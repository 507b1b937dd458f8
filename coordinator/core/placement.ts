import type { Candidate } from "./checks/check.js";
import { firstObjection, fitting, room as roomChecks, standing, wishes } from "./checks/index.js";
import { membersOf } from "./cluster.js";
import { conditionsOf } from "./health/conditions.js";
import { historyOf, penaltyOf, penaltyOfShare } from "./health/penalty.js";
import type { World } from "./memory.js";
import { nearest } from "./near-gpus.js";
import type { Cluster, Held, Instant, Job, Node } from "./state.js";
import { memoryFor, nothingUsed, roomOn } from "./usage.js";

/** Feasible → rank → choose: a whole gang, or nothing. */
export interface Placement {
  /** In the order of the gang: the first is the master. */
  readonly places: ReadonlyArray<{ readonly node: Node; readonly held: Held }>;
  /** Would have been chosen, but for what has failed there lately. */
  readonly passedOver: readonly PassedOver[];
}

export interface PassedOver {
  readonly node: string;
  readonly why: string;
}

export function candidateFor(world: World, node: Node): Candidate {
  const usage = world.index.usage.get(node.uuid) ?? nothingUsed;
  const liveness = world.liveness.get(node.uuid);
  const gpuFaults = conditionsOf(world, node);
  const health = world.nodeHealth.get(node.uuid);
  return { node, liveness, usage, gpuFaults, health, room: roomOn(node, usage, gpuFaults) };
}

export function candidatesOf(world: World, cluster: Cluster): Candidate[] {
  return [...membersOf(world, cluster)].map((node) => candidateFor(world, node));
}

const before = [...standing, ...fitting];

export function place(world: World, job: Job, candidates: readonly Candidate[], now: Instant): Placement | undefined {
  const at = { world, now };
  const feasible = candidates.filter(
    (candidate) => !firstObjection(before, job, candidate, at) && !firstObjection(roomChecks, job, candidate, at),
  );
  const { nodeCount } = job.request;
  if (feasible.length < nodeCount) return undefined;
  const wished = feasible.filter((candidate) => !firstObjection(wishes, job, candidate, at));
  const [among, order] = wished.length >= nodeCount ? [wished, byFullness] : [feasible, byWishThenFullness(job)];
  const ranked = among.map((candidate) => rank(job, candidate, now));
  const best = [...ranked].sort((a, b) => order(a.candidate, b.candidate)).slice(0, nodeCount);
  const flawless = ranked.every(({ penalty }) => penalty === 0);
  const chosen = flawless
    ? best
    : ranked.sort((a, b) => a.penalty - b.penalty || order(a.candidate, b.candidate)).slice(0, nodeCount);
  const passedOver = best
    .filter((each) => !chosen.includes(each))
    .map(({ candidate, held }) => ({
      node: candidate.node.name,
      why: historyOf(candidate.health, held.gpuUuids, now) ?? "",
    }));
  const places = chosen.sort((a, b) => byAddress(a.candidate, b.candidate));
  return { places: places.map(({ candidate: { node }, held }) => ({ node, held })), passedOver };
}

/** What it would get there, and how far the failures of that put it behind. */
function rank(job: Job, candidate: Candidate, now: Instant) {
  const held = heldOn(job, candidate, now);
  return { candidate, held, penalty: penaltyOfShare(candidate.health, held.gpuUuids, now) };
}

/** The fullest that still has room, so that large pieces stay whole. */
function byFullness(a: Candidate, b: Candidate): number {
  return (
    a.room.gpuUuids.length - b.room.gpuUuids.length ||
    a.room.cpus - b.room.cpus ||
    a.room.memoryBytes - b.room.memoryBytes ||
    a.node.sequence - b.node.sequence
  );
}

/** When some that failed the job must be used again, then those whose failure is longest ago. */
function byWishThenFullness(job: Job): (a: Candidate, b: Candidate) => number {
  const failedAt = ({ node }: Candidate) => job.avoid.lastIndexOf(node.uuid);
  return (a, b) => failedAt(a) - failedAt(b) || byFullness(a, b);
}

/** Batch AI listed a job's hosts by ascending address. */
function byAddress(a: Candidate, b: Candidate): number {
  const left = sortable(a.node.address);
  const right = sortable(b.node.address);
  if (left !== right) return left < right ? -1 : 1;
  return a.node.name < b.node.name ? -1 : 1;
}

/** 10.0.0.9 before 10.0.0.10. */
const sortable = (address: string) => address.replace(/\d+/g, (digits) => digits.padStart(5, "0"));

function heldOn(job: Job, candidate: Candidate, now: Instant): Held {
  const { node } = candidate;
  const { share } = job.request;
  const { gpus, cpus, memoryBytes } = node.inventory;
  if (share.kind === "whole") {
    return { gpuUuids: gpus.map(({ uuid }) => uuid), cpus, memoryBytes, whole: true };
  }
  return {
    gpuUuids: gpusFor(candidate, share.gpus, now),
    cpus: share.cpus,
    memoryBytes: memoryFor(share, node),
    whole: false,
  };
}

/** Those that failed lately after the others, suspect ones last of all; among equals such as are close to each other. */
function gpusFor({ node, room, health, gpuFaults }: Candidate, count: number, now: Instant): readonly string[] {
  const penalties = new Map(
    room.gpuUuids.map((uuid) => {
      const isSuspect = gpuFaults.some((fault) => fault.uuid === uuid);
      return [uuid, isSuspect ? Number.MAX_VALUE : health ? penaltyOf(health, uuid, now) : 0];
    }),
  );
  const rankOf = (uuid: string) => penalties.get(uuid) ?? 0;
  const inOrder = [...room.gpuUuids].sort((a, b) => rankOf(a) - rankOf(b));
  return nearest(node.inventory.gpus, inOrder, count, rankOf);
}
