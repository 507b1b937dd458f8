import { join } from "node:path";
import type { LeaseGrant } from "../shared/gen/stoker/v1/lease_pb.js";
import type { Gpu } from "../shared/gen/stoker/v1/node_pb.js";
import type { Diagnosis } from "./core/diagnosis/diagnosis.js";
import { diagnose } from "./core/diagnosis/index.js";
import type { RankExit } from "./core/events.js";
import { withoutSecrets } from "./core/without-secrets.js";
import { tail } from "./file-tail.js";
import type { KernelSource } from "./ports.js";

/** A stack of Python's, and what stands above it. */
const lastWordsBytes = 8 * 1024;
/** What befell a GPU earlier the program would have died of earlier. */
const kernelWindowMs = 60_000;

/** Joins what is known of a process's bad end: how it ended, its last words in `dir`, and what the kernel said meanwhile. */
export function causeOf(
  { exitCode, signal }: RankExit,
  from: {
    grant: LeaseGrant;
    dir: string;
    gpus: readonly Gpu[];
    kernel: KernelSource;
    killed?: number | undefined;
    containerGone?: boolean;
  },
): Diagnosis | undefined {
  const { grant, dir, gpus, kernel } = from;
  return diagnose({
    ...{ exitCode, signal, at: Date.now(), lease: grant.leaseId, wasStopped: false },
    stderr: withoutSecrets(tail(join(dir, "stderr"), lastWordsBytes), grant.secrets),
    stdout: withoutSecrets(tail(join(dir, "stdout"), lastWordsBytes), grant.secrets),
    kernel: kernel.recent(kernelWindowMs),
    containerGone: from.containerGone ?? false,
    killedForMemory: from.killed ?? 0,
    memoryBytes: Number(grant.memoryBytes),
    gpus: gpus
      .filter(({ uuid, busId }) => busId !== "" && grant.gpuUuids.includes(uuid))
      .map(({ uuid, index, busId }) => ({ uuid, index, bus: busId })),
  });
}
