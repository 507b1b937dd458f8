import type { KernelMessage } from "../../kernel/message.js";
import type { Instant } from "../../time.js";
import type { Threshold } from "../health.js";
import type { Health } from "../step.js";

/** What makes a whole machine unfit for work: nothing new begins there while it lasts. */
export interface MachineFinding {
  readonly rule: string;
  /** One sentence, with what to do. */
  readonly message: string;
  readonly since: Instant;
}

/** What is known of a machine, beside its GPUs one by one. */
export interface MachineSeen {
  /** The kernel's messages that count, oldest first; bounded. */
  readonly kernel: ReadonlyArray<{ readonly at: Instant; readonly message: KernelMessage }>;
  readonly gpus: Health;
  /** Why nvidia-smi can't say anything; and since when. */
  readonly driver?: { readonly kind: string; readonly sentence: string; readonly since: Instant };
  /** Devices that hold the root file system or the agent's own files, such as `sda1`. */
  readonly vitalDevices: ReadonlySet<string>;
}

export interface MachineRule {
  readonly name: string;
  readonly advice: string;
  readonly source: string;
  readonly threshold?: Threshold;
  /** True: only a restart of the machine takes it back. */
  readonly lasts: boolean;
  found(
    seen: MachineSeen,
    threshold: number,
    now: Instant,
  ): { readonly words: string; readonly since: Instant } | undefined;
}
