import type { Gpu } from "../shared/gen/stoker/v1/node_pb.js";
import { type Death, remoteDeaths } from "./core/diagnosis/remote.js";
import type { LeaseRun } from "./core/lease-state.js";
import type { KernelSource, RemoteStarts } from "./ports.js";

/** What befell a GPU, or a process, earlier than this the attempt would have died of earlier. */
const kernelWindowMs = 120_000;

/** Why processes of the lease died here that a launcher of another node had started, as far as this machine knows. */
export function deathsOf(
  { id, grant }: Pick<LeaseRun, "id" | "grant">,
  { remote, kernel, gpus }: { remote: Pick<RemoteStarts, "ranks">; kernel: KernelSource; gpus: readonly Gpu[] },
): Death[] {
  const ranks = remote.ranks(id);
  if (ranks.length === 0) return [];
  return remoteDeaths(ranks, {
    kernel: kernel.recent(kernelWindowMs),
    gpus: gpus
      .filter(({ uuid, busId }) => busId !== "" && grant.gpuUuids.includes(uuid))
      .map(({ uuid, index, busId }) => ({ uuid, index, bus: busId })),
    lease: id,
  });
}
