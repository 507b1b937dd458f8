import type { Logger } from "pino";
import { limitedOutput, ProgramFailed } from "./limited-output.js";
import { failureOf } from "./smi/ask.js";
import type { SmiFailure } from "./smi/failure.js";
import { SmiLoop } from "./smi/loop.js";
import { RowStream } from "./smi/row-stream.js";
import { neededFields, type SmiRow, sampleFields, unknownField } from "./smi/rows.js";
import type { SmiRuns } from "./smi-runs.js";

export interface GpuSamplerOptions {
  program: string;
  everyMs: number;
  smiRuns: SmiRuns;
  /** So many GPUs are there. */
  expected(): number;
  /** All GPUs once; undefined while there is no answer, and why. */
  sampled(rows: readonly SmiRow[] | undefined, failure?: SmiFailure): void;
  /** The next sample should have come by now. */
  late?(): void;
  /** For tests. */
  limits?: Partial<Limits>;
}

interface Limits {
  /** A driver that nobody uses takes its time to begin, and half a minute on large machines. */
  firstMs: number;
  /** Silent for longer: it hangs. */
  silentMs: number;
  /** One run, where the loop is not of use. */
  runMs: number;
  waitMostMs: number;
  /** It is started anew then, so that nothing of an old driver stays in use for ever. */
  lifeMs: number;
}

const limits: Limits = { firstMs: 45_000, silentMs: 10_000, runMs: 15_000, waitMostMs: 30_000, lifeMs: 3_600_000 };

/** A sample that is not followed by another line for so long is whole: a GPU is missing in it. */
const quietMs = 500;
/** Beyond what samples usually take. */
const lateMs = 700;
/** So often in a row without a word, and single runs are tried: it may keep what it says until there is a lot of it. */
const silencesMax = 2;

/**
 * The few values that change fast, every two seconds, from one nvidia-smi that loops: to start the program costs it more than to ask. One that
 * says nothing is killed with its group and counted; nobody waits for it.
 */
export class GpuSampler {
  private readonly limits: Limits;
  private fields: string[] = [...sampleFields];
  private loop: SmiLoop | undefined;
  private timers: Partial<Record<"silence" | "quiet" | "late" | "next" | "life", NodeJS.Timeout>> = {};
  private lastAt = 0;
  /** What a sample takes, by the latest of them. */
  private usualMs = 0;
  private failures = 0;
  private silences = 0;
  private single = false;
  private apart = false;
  private started = false;
  private closed = false;
  private told = "";

  constructor(
    private readonly options: GpuSamplerOptions,
    private readonly log: Logger,
  ) {
    this.limits = { ...limits, ...options.limits };
  }

  /** Once started it goes on by itself: between samples, too, when there is no loop. */
  start(): void {
    if (this.started) return;
    this.started = true;
    this.begin();
  }

  /** True: between samples nothing of ours is open on the GPUs, so that one can be reset. */
  keepApart(apart: boolean): void {
    if (apart === this.apart) return;
    this.apart = apart;
    this.loop?.stop();
  }

  close(): void {
    this.closed = true;
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    this.loop?.stop();
  }

  private get words(): string[] {
    return [`--query-gpu=${this.fields.join(",")}`, "--format=csv,noheader,nounits"];
  }

  private begin(): void {
    if (this.closed) return;
    if (this.single || this.apart) {
      void this.run();
      return;
    }
    const stream = new RowStream(this.fields, this.options.expected);
    this.lastAt = performance.now();
    this.awaitWord(this.limits.firstMs);
    this.timers.life = after(this.limits.lifeMs, () => this.loop?.stop());
    const loop = new SmiLoop(this.options.program, [...this.words, "-lms", String(this.options.everyMs)], {
      output: (text) => this.heard(stream, text),
      ended: ({ exitCode, stopped }) => this.ended(loop, stopped ? undefined : failedRun(exitCode, stream.words)),
      failed: (error) => this.ended(loop, error),
    });
    this.loop = loop;
  }

  private heard(stream: RowStream, text: string): void {
    for (const rows of stream.push(text)) this.take(rows);
    clearTimeout(this.timers.quiet);
    this.timers.quiet = after(quietMs, () => {
      const rows = stream.takeRest();
      if (rows) this.take(rows);
    });
  }

  private take(rows: readonly SmiRow[]): void {
    const { everyMs, smiRuns, sampled } = this.options;
    const now = performance.now();
    // It waits between samples: what goes beyond that is what a sample took.
    const tookMs = Math.max(0, now - this.lastAt - everyMs);
    smiRuns.took("sample", tookMs);
    this.usualMs += (tookMs - this.usualMs) / 4;
    this.lastAt = now;
    clearTimeout(this.timers.late);
    this.timers.late = after(everyMs + 3 * this.usualMs + lateMs, () => this.options.late?.());
    this.silences = 0;
    this.answered();
    this.awaitWord(Math.max(this.limits.silentMs, 3 * everyMs));
    sampled(rows);
  }

  private answered(): void {
    this.failures = 0;
    this.told = "";
  }

  private awaitWord(withinMs: number): void {
    clearTimeout(this.timers.silence);
    this.timers.silence = after(withinMs, () => {
      this.silences += 1;
      if (this.silences >= silencesMax) this.single = true;
      this.tell(new ProgramFailed("nvidia-smi is silent", { exitCode: undefined, output: "", timedOut: true }));
      this.loop?.stop();
    });
  }

  private ended(loop: SmiLoop, error: Error | undefined): void {
    if (this.loop !== loop) return;
    this.loop = undefined;
    for (const name of ["silence", "quiet", "late", "life"] as const) clearTimeout(this.timers[name]);
    if (error && !this.dropped(error)) this.tell(error);
    this.again();
  }

  /** After what went well, at the pace of samples; after failures slower and slower. */
  private again(): void {
    if (this.closed) return;
    const waitMs = Math.min(this.limits.waitMostMs, this.options.everyMs * 2 ** Math.min(this.failures, 10));
    this.timers.next = after(waitMs, () => this.begin());
  }

  private async run(): Promise<void> {
    const { program, smiRuns, sampled } = this.options;
    try {
      const ask = () => limitedOutput(program, this.words, this.limits.runMs).catch(warned);
      const stream = new RowStream(this.fields, () => Number.POSITIVE_INFINITY);
      stream.push(`${await smiRuns.timed("sample", ask)}\n`);
      const rows = stream.takeRest();
      if (this.closed) return;
      if (!rows) throw new ProgramFailed(stream.words, { exitCode: 0, output: stream.words, timedOut: false });
      this.answered();
      sampled(rows);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (!this.closed && !this.dropped(error)) this.tell(error, true);
    }
    this.again();
  }

  /** One unknown field fails the whole question: it is asked without, at once. */
  private dropped(error: Error): boolean {
    const field = error instanceof ProgramFailed ? unknownField(error.run.output) : undefined;
    if (field === undefined || neededFields.has(field) || !this.fields.includes(field)) return false;
    this.log.info({ field }, "this driver's nvidia-smi does not know a field; it is left out");
    this.fields = this.fields.filter((each) => each !== field);
    return true;
  }

  private tell(error: Error, counted = false): void {
    const failure = failureOf(error);
    if (!counted) this.options.smiRuns.failed("sample", failure.kind);
    this.failures += 1;
    if (this.told !== failure.kind)
      this.log.warn({ kind: failure.kind }, `no samples of the GPUs: ${failure.sentence}`);
    this.told = failure.kind;
    this.options.sampled(undefined, failure);
  }
}

/** A warning behind rows that are whole. */
function warned(error: unknown): string {
  if (error instanceof ProgramFailed && failureOf(error).kind === "inforom") return error.run.output;
  throw error;
}

const failedRun = (exitCode: number | undefined, output: string) =>
  new ProgramFailed(`nvidia-smi ended: ${output}`, { exitCode, output, timedOut: false });

const after = (ms: number, work: () => void): NodeJS.Timeout => {
  const timer = setTimeout(work, ms);
  timer.unref();
  return timer;
};
