import type { JobId, LeaseId } from "../../../shared/ids.js";
import { standstillOf } from "../frozen.js";
import { expansionOf } from "../lease.js";
import type { World } from "../memory.js";
import type { Instant, Job, Lease } from "../state.js";
import type { Expansion } from "../toolkits/toolkit.js";
import type { FoundGpu } from "./gang.js";

/** An attempt that runs on GPUs. */
export interface RunningGang {
  readonly job: JobId;
  readonly attempt: number;
  readonly lease: LeaseId;
  readonly since: Instant;
  readonly gpus: ReadonlyArray<FoundGpu & { readonly model: string }>;
  readonly rankCount: number;
  /** Some of its processes are stopped, or its node is silent: nothing can be said of it. */
  readonly stands: boolean;
}

export function* runningGangs(world: World): Generator<RunningGang> {
  for (const active of world.index.active.values()) {
    for (const uuid of active.values()) {
      const job = world.jobs.get(uuid);
      if (job?.state.kind !== "running") continue;
      const { lease } = job.state;
      if (!lease.shares.some(({ held }) => held.gpuUuids.length > 0)) continue;
      yield gangOf(world, job, lease, job.state.since);
    }
  }
}

function gangOf(world: World, job: Job, lease: Lease, since: Instant): RunningGang {
  const expansion = expansionOf(job, lease);
  const counts = ranksPerNode(job, expansion, lease);
  let first = 0;
  const gpus: Array<FoundGpu & { model: string }> = [];
  let stands = false;
  for (const [at, share] of lease.shares.entries()) {
    const node = world.nodes.get(share.node);
    const count = counts[at] ?? 0;
    stands ||= !node || node.lost !== undefined || standstillOf(world, node, lease.id) !== undefined;
    const held = (node?.inventory.gpus ?? []).filter(({ uuid }) => share.held.gpuUuids.includes(uuid));
    // What processes that have ended leave unused is nobody's hang.
    if (!isOver(expansion, lease, at)) {
      for (const [place, { uuid, index, model }] of held.entries()) {
        const ranks = ranksOf(first, count, place, held.length);
        gpus.push({ node: share.nodeName, index, uuid, model, ranks });
      }
    }
    first += count;
  }
  // Who takes several nodes has processes that work together.
  const rankCount = Math.max(
    counts.reduce((sum, count) => sum + count, 0),
    lease.shares.length,
  );
  return { job: job.uuid, attempt: lease.attempt, lease: lease.id, since, gpus, rankCount, stands };
}

/** Under a launcher those that it starts, else those that Stoker starts. Of a command of the user's own nobody knows. */
function ranksPerNode(job: Job, { slotsByNode, ranks }: Expansion, { shares }: Lease): number[] {
  if (job.spec.toolkit.case === "customToolkitSettings") return shares.map(() => 0);
  return shares.map((_, at) =>
    Math.max(slotsByNode[at] ?? 0, ranks.filter(({ nodeIndex }) => nodeIndex === at).length),
  );
}

function isOver({ endsWith, ranks }: Expansion, { exits }: Lease, at: number): boolean {
  const here = ranks.filter(({ nodeIndex }) => nodeIndex === at);
  return endsWith === "all" && here.length > 0 && here.every(({ rank }) => exits.some((exit) => exit.rank === rank));
}

/** As programs share them out: one for each in turn, or in equal runs; else nobody knows. */
export function ranksOf(first: number, count: number, place: number, gpus: number): number[] {
  if (count === 0 || gpus === 0) return [];
  if (count <= gpus && gpus % count === 0) return [first + Math.floor((place * count) / gpus)];
  if (count > gpus && count % gpus === 0)
    return Array.from({ length: count / gpus }, (_, at) => first + place * (count / gpus) + at);
  return Array.from({ length: count }, (_, at) => first + at);
}
