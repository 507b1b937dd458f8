import { readFileSync } from "node:fs";
import type { Logger } from "pino";
import { byGravity, defaultThresholds } from "../core/health/health.js";
import { type GpuHealth, type Health, newHealth, sentenceOf, stateOf, stepHealth } from "../core/health/step.js";
import type { KernelMessage } from "../core/kernel/message.js";
import type { GpuFault } from "../ports.js";
import { limitedOutput, ProgramFailed } from "./limited-output.js";
import { failureOf } from "./smi/ask.js";
import { parseSmi } from "./smi/document.js";
import { SmiRuns } from "./smi-runs.js";

export interface GpuWatchOptions {
  program: string;
  smiRuns?: SmiRuns;
  everyMs?: number;
  limitMs?: number;
  /** For tests: who a process belongs to. */
  environmentOf?: (pid: number) => string;
}

const everyMs = 30_000;
/** Eight GPUs without persistence mode take some seconds; a driver in trouble takes a minute, and is waited for. */
const limitMs = 60_000;
/** So many in a row, and the GPUs are not known to be well any more. */
const failuresMax = 3;

/**
 * Reads everything about this machine's GPUs every half minute, listens to the kernel meanwhile, and knows which of them are less than healthy.
 * One nvidia-smi at a time: one that hangs is killed and left, and the next is asked when its turn comes.
 */
export class GpuWatch {
  private health: Health;
  private timer: NodeJS.Timeout | undefined;
  private busy = false;
  private failures = 0;
  private trouble = "";
  private before = "";

  constructor(
    gpus: readonly { uuid: string; index: number; busId: string }[],
    private readonly options: GpuWatchOptions,
    private readonly log: Logger,
  ) {
    this.health = newHealth(gpus);
  }

  start(held: () => ReadonlySet<string>): void {
    if (this.health.size === 0) return;
    this.timer = setInterval(() => void this.read(held()), this.options.everyMs ?? everyMs);
    this.timer.unref();
    void this.read(held());
  }

  kernelSaid(message: KernelMessage): void {
    this.step({ type: "kernel", message });
  }

  /** Those that are less than healthy, the gravest finding of each. */
  faults(): GpuFault[] {
    return [...this.health.values()].flatMap((gpu) => {
      const first = byGravity(gpu.findings)[0];
      const state = stateOf(gpu);
      return first && state !== "healthy"
        ? [{ uuid: gpu.uuid, state, rule: first.rule, message: sentenceOf(gpu) ?? "", since: first.since }]
        : [];
    });
  }

  /** In words, when nvidia-smi has failed for a while: then nothing new should begin on this machine's GPUs. "" when it answers. */
  problem(): string {
    return this.failures >= failuresMax ? this.trouble : "";
  }

  fault(uuid: string): string {
    const gpu = this.health.get(uuid);
    const state = gpu && stateOf(gpu);
    return gpu && (state === "failed" || state === "draining") ? (sentenceOf(gpu) ?? "") : "";
  }

  tested(uuid: string, failure: string | undefined): void {
    this.step({ type: "tested", uuid, ...(failure === undefined ? {} : { failure }) });
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async read(held: ReadonlySet<string>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      const { program, smiRuns = new SmiRuns() } = this.options;
      const ask = () => limitedOutput(program, ["-q", "-x"], this.options.limitMs ?? limitMs).catch(complete);
      const output = await smiRuns.timed("full", ask);
      const { gpus } = parseSmi(output);
      const pids = gpus.flatMap(({ processes }) => processes.map(({ pid }) => pid));
      const ownPids = new Set(pids.filter((pid) => this.isOwn(pid)));
      this.failures = 0;
      this.step({ type: "read", gpus, held, ownPids });
    } catch (error) {
      this.failures += 1;
      this.trouble = `its GPUs can't be asked how they are: ${failureOf(error).sentence}`;
      if (this.failures === failuresMax) this.log.error({ err: error }, this.trouble);
    } finally {
      this.busy = false;
    }
  }

  private step(event: Parameters<typeof stepHealth>[1]): void {
    this.health = stepHealth(this.health, event, defaultThresholds, Date.now());
    const now = [...this.health.values()].map(summary).join("\n");
    if (now === this.before) return;
    this.before = now;
    for (const fault of this.faults())
      this.log.warn({ gpu: fault.uuid, state: fault.state, rule: fault.rule }, fault.message);
  }

  private isOwn(pid: number): boolean {
    try {
      return /(?:^|\0)STOKER_LEASE=/.test((this.options.environmentOf ?? environmentOf)(pid));
    } catch {
      // It has ended meanwhile, which makes it no stranger.
      return true;
    }
  }
}

const summary = (gpu: GpuHealth) => `${gpu.uuid} ${stateOf(gpu)} ${byGravity(gpu.findings)[0]?.rule ?? ""}`;

const environmentOf = (pid: number) => readFileSync(`/proc/${pid}/environ`, "latin1");

/** infoROM is corrupted, or one GPU is lost: what was printed may be a whole answer nevertheless. */
function complete(error: unknown): string {
  if (error instanceof ProgramFailed && error.run.output.includes("</nvidia_smi_log>")) return error.run.output;
  throw error;
}
