import type { Logger } from "pino";
import { byGravity, defaultThresholds, type Thresholds } from "../core/health/health.js";
import { oddities, type SampledGpu } from "../core/health/sampled.js";
import type { SmiGpu } from "../core/health/smi-gpu.js";
import { type GpuHealth, type Health, newHealth, sentenceOf, stateOf, stepHealth } from "../core/health/step.js";
import type { KernelMessage } from "../core/kernel/message.js";
import type { GpuFault, NodeFault } from "../health-ports.js";
import type { MachineWatch } from "./machine-watch.js";
import { readNvlinks } from "./nvlinks.js";
import { belongingOf, type ProcessTable, processTable } from "./process-table.js";
import { failureOf } from "./smi/ask.js";
import type { SmiDocument } from "./smi/document.js";
import type { SmiFailure } from "./smi/failure.js";
import { readDocument } from "./smi/read-document.js";
import { SmiRuns } from "./smi-runs.js";

export interface GpuWatchOptions {
  program: string;
  smiRuns?: SmiRuns;
  everyMs?: number;
  limitMs?: number;
  thresholds?: Thresholds;
  /** Told what befalls all GPUs together. */
  machine?: MachineWatch;
  /** Each whole reading; or why there is none. */
  read?(document: SmiDocument | undefined, failure?: SmiFailure): void;
  /** Something must be done to one of them that needs nobody to have it open. */
  keepApart?(apart: boolean): void;
  /** For tests: whose a process is. */
  table?: ProcessTable;
}

const everyMs = 30_000;
const retryMs = 5_000;
/** Eight GPUs without persistence mode take some seconds; a driver in trouble takes a minute, and is waited for. */
const limitMs = 60_000;
/** To ask for NVLinks takes a run of its own: with the first of so many readings. */
const nvlinksEvery = 10;
/** So many in a row, and the GPUs are not known to be well any more. */
const failuresMax = 3;
/** To ask for each GPU by itself takes longer: nothing new may begin on any before it is known which are lost. */
const singlyMs = 1_500;
/** A whole reading that takes longer, while samples hang as well, will hardly come to anything. */
const hangsAfterMs = 10_000;

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
  private odd = "";
  /** Why there is no sample. */
  private unsampled: SmiFailure | undefined;
  private busySince = 0;
  /** No GPU could be told of, and each is asked for by itself now. */
  private singly: { failure: SmiFailure; since: number } | undefined;
  private again = false;
  private closed = false;
  private unreadYet = true;
  private readings = 0;
  private nvlinks: ReadonlyMap<string, number> = new Map();
  private held: () => ReadonlySet<string> = () => new Set();

  constructor(
    gpus: readonly { uuid: string; index: number; busId: string }[],
    private readonly options: GpuWatchOptions,
    private readonly log: Logger,
  ) {
    this.health = newHealth(gpus);
  }

  start(held: () => ReadonlySet<string>): void {
    this.held = held;
    this.options.machine?.gpusAre(this.health);
    void this.read();
  }

  /** From now on these are watched; what is known of those that were watched before stays. */
  offer(gpus: readonly { uuid: string; index: number; busId: string }[]): void {
    this.health = new Map([...newHealth(gpus)].map(([uuid, gpu]) => [uuid, this.health.get(uuid) ?? gpu]));
    this.options.machine?.gpusAre(this.health);
  }

  /** One of the frequent samples. What is odd in it is looked at at once, and not when its turn comes. */
  sampled(gpus: readonly SampledGpu[] | undefined, failure?: SmiFailure): void {
    this.options.machine?.driverIs(failure);
    this.unsampled = failure;
    // It says so in the place of an empty list.
    if (failure?.kind === "no-devices") this.step({ type: "sampled", gpus: [] });
    if (gpus) this.step({ type: "sampled", gpus });
    else if (failure?.busId !== undefined) this.step({ type: "unreachable", bus: failure.busId });
    const odd = gpus ? oddities(this.health, gpus) : (failure?.kind ?? "");
    if (odd !== this.odd) void this.read();
    this.odd = odd;
  }

  /** A sample should have come by now: what keeps it is looked for at once. */
  late(): void {
    if (!this.busy && this.timer) void this.read();
  }

  kernelSaid(message: KernelMessage, at = Date.now()): void {
    const before = this.health;
    this.step({ type: "kernel", message }, at);
    // What else there is to see of it is seen at once.
    if (this.health !== before && this.timer) void this.read();
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

  /** In words, when nvidia-smi fails: then nothing new should begin on this machine's GPUs. "" when it answers. */
  problem(): string {
    const fault = this.nodeFaults()[0]?.message;
    if (fault !== undefined) return fault;
    if (this.failures >= failuresMax) return this.trouble;
    if (this.singly && performance.now() - this.singly.since > singlyMs) return troubleOf(this.singly.failure);
    const hangs = this.unsampled?.kind === "hangs" && this.busy && performance.now() - this.busySince > hangsAfterMs;
    return hangs && this.unsampled ? troubleOf(this.unsampled) : "";
  }

  nodeFaults(): readonly NodeFault[] {
    return this.options.machine?.faults() ?? [];
  }

  /** They have not been looked at yet. */
  unread(): boolean {
    return this.unreadYet;
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
    this.closed = true;
    clearTimeout(this.timer);
  }

  private async read(): Promise<void> {
    this.again = this.busy;
    if (this.busy) return;
    this.busy = true;
    this.busySince = performance.now();
    const { program, smiRuns = new SmiRuns(), read } = this.options;
    let nextMs = this.options.everyMs ?? everyMs;
    try {
      const singly = (failure: SmiFailure) => {
        this.singly = { failure, since: performance.now() };
        if (failure.busId !== undefined) this.step({ type: "unreachable", bus: failure.busId });
      };
      const ask = () => readDocument(program, [...this.health.keys()], this.options.limitMs ?? limitMs, singly);
      const { document, unreachable, lost } = await smiRuns.timed("full", ask);
      this.options.machine?.driverIs();
      this.failures = 0;
      if (unreachable !== undefined) this.step({ type: "unreachable", bus: unreachable });
      if (lost.length > 0) this.step({ type: "unreachable", uuids: lost });
      if (document) await this.take(document);
    } catch (error) {
      const failure = failureOf(error);
      this.failed(failure);
      read?.(undefined, failure);
      // A driver that comes back is wanted soon; one that was never there is not.
      if (failure.kind !== "not-installed") nextMs = Math.min(nextMs, retryMs);
    } finally {
      this.singly = undefined;
      this.busy = false;
      this.unreadYet = false;
    }
    if (this.closed) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), nextMs);
    this.timer.unref();
    if (this.again) await this.read();
  }

  private async take(document: SmiDocument): Promise<void> {
    await this.askNvlinks(this.options.program, document.gpus);
    const gpus = document.gpus.map((gpu) => this.withNvlinks(gpu));
    const pids = gpus.flatMap(({ processes }) => processes.map(({ pid }) => pid));
    const ownPids = new Set(pids.filter((pid) => this.isOwn(pid)));
    this.step({ type: "read", gpus, held: this.held(), ownPids });
    this.options.read?.(document);
  }

  private failed(failure: SmiFailure): void {
    const { kind, sentence, busId } = failure;
    this.options.machine?.driverIs({ kind, sentence });
    if (busId !== undefined) this.step({ type: "unreachable", bus: busId });
    // There is nobody to be well.
    if (this.health.size === 0) return;
    const before = this.failures;
    // Samples say the same in words: it is so.
    const isSure = kind !== "hangs" && this.unsampled?.kind === kind;
    this.failures = isSure ? Math.max(before + 1, failuresMax) : before + 1;
    this.trouble = troubleOf(failure);
    if (before < failuresMax && this.failures >= failuresMax) this.log.error({ kind }, this.trouble);
  }

  private async askNvlinks(program: string, gpus: readonly SmiGpu[]): Promise<void> {
    const due = this.readings % nvlinksEvery === 0;
    this.readings += 1;
    // A single GPU has nobody to be linked with.
    if (due && gpus.length > 1 && (this.readings === 1 || this.nvlinks.size > 0))
      this.nvlinks = await readNvlinks(program);
  }

  private withNvlinks(gpu: SmiGpu): SmiGpu {
    const nvlinksActive = gpu.uuid === undefined ? undefined : this.nvlinks.get(gpu.uuid);
    return nvlinksActive === undefined ? gpu : { ...gpu, nvlinksActive };
  }

  private step(event: Parameters<typeof stepHealth>[1], at = Date.now()): void {
    this.health = stepHealth(this.health, event, this.options.thresholds ?? defaultThresholds, at);
    this.options.machine?.gpusAre(this.health);
    const now = [...this.health.values()].map(summary).join("\n");
    if (now === this.before) return;
    this.before = now;
    this.options.keepApart?.([...this.health.values()].some((gpu) => ["draining", "failed"].includes(stateOf(gpu))));
    for (const fault of this.faults())
      this.log.warn({ gpu: fault.uuid, state: fault.state, rule: fault.rule }, fault.message);
  }

  private isOwn(pid: number): boolean {
    const belonging = belongingOf(pid, this.options.table ?? processTable);
    // One that has ended meanwhile is no stranger.
    return belonging === undefined || belonging.leaseId !== undefined;
  }
}

const troubleOf = ({ sentence }: SmiFailure) => `its GPUs can't be asked how they are: ${sentence}`;

const summary = (gpu: GpuHealth) => `${gpu.uuid} ${stateOf(gpu)} ${byGravity(gpu.findings)[0]?.rule ?? ""}`;
