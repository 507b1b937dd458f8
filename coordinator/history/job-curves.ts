import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Logger } from "pino";
import { type Curve, curvesOf, type GpuCurves } from "../core/efficiency-curves.js";
import type { Attempt, Node } from "../core/state.js";
import { Guarded } from "./guarded.js";
import type { Read } from "./histories.js";

export interface JobCurvesHost {
  node(name: string): Node | undefined;
  /** All that a node measured between two times. */
  read(node: Node, from: number, to: number): Read | undefined;
  now(): number;
  /** Nothing may be written now. */
  full(): boolean;
}

/** More attempts of one job than these keep no curves: the newest count. */
const attemptsMax = 20;
/** What nodes measured is known for so long. */
const knownMs = 30 * 24 * 3_600_000;
/** Of what ended longer before a start, the curves are kept already, or were not wanted. */
const sweptMs = 24 * 3_600_000;
/** A node's last samples of an attempt come with its next heartbeats. */
const settleMs = 5_000;

/** What each attempt made of its GPUs, beside its job for as long as that is there: a small file, written when the attempt has ended. */
export class JobCurves {
  private readonly waiting = new Map<string, NodeJS.Timeout>();
  private readonly guarded: Guarded;

  constructor(
    private readonly folder: string,
    private readonly host: JobCurvesHost,
    log: Logger,
    private readonly waitMs = settleMs,
  ) {
    this.guarded = new Guarded(log, "the curves of jobs can't be kept; they are when they can");
  }

  /** As it was kept, or as it is known by now. */
  of(attempt: Attempt): readonly GpuCurves[] {
    return this.kept(attempt) ?? this.gather(attempt);
  }

  /** Called whenever something about the job has changed: what has ended is kept, in a while. */
  changed(attempts: readonly Attempt[]): void {
    for (const attempt of attempts.slice(-attemptsMax)) {
      if (!this.isWanted(attempt)) continue;
      const key = nameOf(attempt);
      const keep = () => {
        this.waiting.delete(key);
        this.keep(attempt);
      };
      this.waiting.set(key, setTimeout(keep, this.waitMs).unref());
    }
  }

  /** After a start: what ended shortly before the end of the former coordinator; and what is of jobs that are gone. */
  sweep(jobs: ReadonlyArray<{ job: string; attempts: readonly Attempt[] }>): void {
    const known = new Set(jobs.map(({ job }) => job));
    this.guarded.run(() => {
      for (const name of names(this.folder)) if (!known.has(name)) this.remove(name);
    });
    const since = this.host.now() - sweptMs;
    for (const { attempts } of jobs) this.changed(attempts.filter(({ endedAt = 0 }) => endedAt > since));
  }

  /** With the job goes what it did. */
  remove(job: string): void {
    this.guarded.run(() => rmSync(join(this.folder, job), { recursive: true, force: true }));
  }

  close(): void {
    for (const timer of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
  }

  private isWanted(attempt: Attempt): boolean {
    const { endedAt, nodes, job, number } = attempt;
    if (endedAt === undefined || this.host.now() - endedAt > knownMs) return false;
    if (!nodes.some(({ gpuUuids }) => gpuUuids.length > 0) || this.waiting.has(nameOf(attempt))) return false;
    return this.guarded.run(() => !names(join(this.folder, job)).includes(fileOf(number))) ?? false;
  }

  private keep(attempt: Attempt): void {
    if (this.host.full()) return;
    const gpus = this.gather(attempt);
    this.guarded.run(() => {
      const folder = join(this.folder, attempt.job);
      mkdirSync(folder, { recursive: true, mode: 0o750 });
      const path = join(folder, fileOf(attempt.number));
      writeFileSync(`${path}.new`, gzipSync(JSON.stringify({ version: 1, gpus }, short)), { mode: 0o640 });
      renameSync(`${path}.new`, path);
      const old = names(folder).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
      for (const name of old.slice(0, -attemptsMax)) rmSync(join(folder, name), { force: true });
    });
  }

  private kept({ job, number }: Attempt): GpuCurves[] | undefined {
    try {
      const text = gunzipSync(readFileSync(join(this.folder, job, fileOf(number)))).toString();
      const read: unknown = JSON.parse(text);
      return isKept(read) ? read.gpus.map(whole) : undefined;
    } catch (error) {
      // It is not there yet, or was spoiled: what nodes measured may still be known.
      if (error instanceof SyntaxError || (error instanceof Error && "code" in error)) return undefined;
      throw error;
    }
  }

  private gather({ nodes, startedAt, endedAt }: Attempt): GpuCurves[] {
    const to = endedAt ?? this.host.now();
    return nodes.flatMap(({ name, gpuUuids }) => {
      const node = this.host.node(name);
      if (!node || gpuUuids.length === 0 || to <= startedAt) return [];
      const read = this.host.read(node, startedAt, to) ?? { from: startedAt, stepMs: 0, series: [] };
      return node.inventory.gpus
        .filter(({ uuid }) => gpuUuids.includes(uuid))
        .map(({ uuid, index, model, memoryBytes }) =>
          curvesOf({ nodeName: name, uuid, index, model, memoryBytes }, read),
        );
    });
  }
}

const nameOf = ({ job, number }: Attempt) => `${job}.${number}`;
const fileOf = (number: number) => `${number}.json.gz`;

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

/** Four digits are more than a curve shows. NaN becomes null. */
const short = (_: string, value: unknown) =>
  typeof value === "number" && !Number.isInteger(value) && Number.isFinite(value)
    ? Number(value.toPrecision(4))
    : value;

type Stored = Omit<GpuCurves, "curves"> & {
  curves: ReadonlyArray<{ name: string; means: Array<number | null>; mosts: Array<number | null> }>;
};

/** Our own file, of this version or another. */
const isKept = (read: unknown): read is { gpus: Stored[] } =>
  typeof read === "object" && read !== null && "version" in read && read.version === 1 && "gpus" in read;

function whole(stored: Stored): GpuCurves {
  const numbers = (values: ReadonlyArray<number | null>) => values.map((value) => value ?? Number.NaN);
  const curves = stored.curves.map(
    ({ name, means, mosts }): Curve => ({ name, means: numbers(means), mosts: numbers(mosts) }),
  );
  return { ...stored, curves };
}
