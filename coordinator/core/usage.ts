import type { JobId, LeaseId } from "../../shared/ids.js";
import type { GpuFault } from "./gpu-faults.js";
import type { Held, Node } from "./state.js";

/** What is promised on one node: by leases of live attempts and by zombies. Replaced as a whole. */
export interface Usage {
  readonly holders: readonly Holder[];
  readonly gpuUuids: ReadonlySet<string>;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly whole: boolean;
}

export interface Holder {
  readonly lease: LeaseId;
  readonly job: JobId;
  readonly held: Held;
  /** Of an attempt that went on without the node. */
  readonly zombie: boolean;
}

export const nothingUsed: Usage = usageOf([]);

export function usageOf(holders: readonly Holder[]): Usage {
  const gpuUuids = new Set<string>();
  let cpus = 0;
  let memoryBytes = 0;
  let whole = false;
  for (const { held } of holders) {
    for (const uuid of held.gpuUuids) gpuUuids.add(uuid);
    cpus += held.cpus;
    memoryBytes += held.memoryBytes;
    whole ||= held.whole;
  }
  return { holders, gpuUuids, cpus, memoryBytes, whole };
}

export interface Room {
  readonly gpuUuids: readonly string[];
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** `faults`: what is wrong with its GPUs. Those out of service are no room; suspect ones come last. */
export function roomOn(node: Node, usage: Usage, faults: readonly GpuFault[] = []): Room {
  if (usage.whole) return { gpuUuids: [], cpus: 0, memoryBytes: 0 };
  const { gpus, cpus, memoryBytes } = node.inventory;
  const free = gpus.filter(({ uuid }) => !usage.gpuUuids.has(uuid)).map(({ uuid }) => uuid);
  const of = (uuid: string) => faults.find((fault) => fault.uuid === uuid)?.state;
  const healthy = free.filter((uuid) => of(uuid) === undefined);
  return {
    gpuUuids: [...healthy, ...free.filter((uuid) => of(uuid) === "suspect")],
    // An owner may come to offer less than what is promised already.
    cpus: Math.max(0, cpus - usage.cpus),
    memoryBytes: Math.max(0, memoryBytes - usage.memoryBytes),
  };
}

/** What a job that names no memory gets: as much of it as of the cores. */
export function memoryFor(share: { readonly cpus: number; readonly memoryBytes?: number }, node: Node): number {
  const { cpus, memoryBytes } = node.inventory;
  return share.memoryBytes ?? Math.floor((memoryBytes * Math.min(share.cpus, cpus)) / Math.max(1, cpus));
}
