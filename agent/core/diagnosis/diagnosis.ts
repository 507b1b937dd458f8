import type { KernelMessage } from "../kernel/message.js";
import type { Instant } from "../time.js";

/**
 * Whose a rank's death is:
 * - `user`: the program's, its input's or its settings'; it would die again
 * - `transient`: of a peer or a network; it may well succeed when tried again
 * - `node`, `gpu`, `storage`: of the machine, of one of its GPUs, of a volume or disk; it would succeed elsewhere
 */
export type FaultClass = "user" | "transient" | "node" | "gpu" | "storage";

export interface Diagnosis {
  /** The rule that found it. */
  rule: string;
  class: FaultClass;
  /** One sentence for people, with what to do about it where that is known. */
  sentence: string;
  /** True when the machine itself bears witness, and not only the program's words. */
  proven: boolean;
}

export interface TimedMessage {
  at: Instant;
  message: KernelMessage;
}

export interface GpuOfLease {
  uuid: string;
  index: number;
  /** `dddd:bb:dd`, lower case. */
  bus: string;
}

/** All that is known when a process of a lease has ended badly. */
export interface Evidence {
  exitCode: number;
  /** 0: it ended by itself. */
  signal: number;
  at: Instant;
  /** The ends of its streams. */
  stderr: string;
  stdout: string;
  /** What the kernel said lately, oldest first. */
  kernel: readonly TimedMessage[];
  gpus: readonly GpuOfLease[];
  /** Processes of the lease that were killed for going over its memory, as its control group counts them. */
  killedForMemory?: number;
  /** What it may have; 0: not known. */
  memoryBytes?: number;
  lease: string;
  /** It ran in a container, which is no longer there. */
  containerGone?: boolean;
  /** Asked for by its agent: terminate, preemption, the end of its gang. Its end then needs no cause. */
  wasStopped: boolean;
}

export interface Rule {
  name: string;
  class: FaultClass;
  proven: boolean;
  /** The sentence, when the rule fits. */
  sentence(evidence: Evidence): string | undefined;
}

/** `GPU 3 (GPU-1f…)`. */
export const gpuName = ({ index, uuid }: GpuOfLease) => `GPU ${index} (${uuid})`;

/** `14:02:11`, in UTC. Written out here: the core knows no dates. */
export function clockTime(at: Instant): string {
  const seconds = Math.floor(at / 1000) % 86_400;
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)} UTC`;
}
