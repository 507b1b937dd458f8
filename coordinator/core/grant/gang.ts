import type { Job, Lease, Node, Share, ShareRequest } from "../state.js";
import type { Gang } from "../toolkits/toolkit.js";

/** Distinct addresses are what nodes call each other; agents that share a machine's address are told apart by name. */
export function hostsOf(nodes: readonly Node[]): string[] {
  const addresses = new Set(nodes.map(({ address }) => address));
  const distinct = addresses.size === nodes.length && !addresses.has("");
  return nodes.map(({ name, address }) => (distinct ? address : name));
}

export function gangOf(job: Job, lease: Lease, isTempShared: boolean): Gang {
  return {
    nodes: lease.shares.map(({ nodeName, host, held }) => ({
      name: nodeName,
      host,
      cpus: held.cpus,
      gpuUuids: held.gpuUuids,
    })),
    attempt: lease.attempt,
    oneMachine: lease.shares.length > 1 && lease.shares.every(({ host, nodeName }) => host === nodeName),
    isTempShared,
    whole: lease.shares.every(({ held }) => held.whole),
    port: 20_000 + (hash(lease.id) % 10_000),
    slots: slotsOf(job.request.share, lease.shares[0]),
  };
}

/** As Batch AI counted them, by GPUs and at least one; a job that asked for cores without GPUs gets as many as those. */
function slotsOf(request: ShareRequest, share: Share | undefined): number {
  const gpus = share?.held.gpuUuids.length ?? 0;
  if (gpus > 0) return gpus;
  return request.kind === "part" ? request.cpus : 1;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
