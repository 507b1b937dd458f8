import type { LeaseId } from "../../../shared/ids.js";
import type { Instant } from "../state.js";
import type { Cell } from "./gang.js";

export type Values = Omit<Cell, "at">;

const fields = ["utilizationPercent", "powerWatts", "smClockMhz", "temperatureCelsius", "cpuPercent"] as const;
const workingPercent = 20;
const busyPercent = 50;
const restingPercent = 1;

interface Sum {
  total: number;
  count: number;
}

/** How one GPU went lately, in steps; and what it drew at most, at work, and at least, at rest. */
export class Course {
  private done: Cell[] = [];
  private at: Instant | undefined;
  private sums: Partial<Record<(typeof fields)[number], Sum>> = {};
  private lease: LeaseId | undefined;
  private hasWorked = false;
  private most: number | undefined;
  private least: number | undefined;

  constructor(
    private readonly stepMs: number,
    private readonly keptMs: number,
  ) {}

  add(at: Instant, values: Values): void {
    const slot = Math.floor(at / this.stepMs) * this.stepMs;
    if (this.at !== undefined && slot !== this.at) this.close();
    this.at = slot;
    for (const field of fields) {
      const value = values[field];
      if (value === undefined || Number.isNaN(value)) continue;
      const { total, count } = this.sums[field] ?? { total: 0, count: 0 };
      this.sums[field] = { total: total + value, count: count + 1 };
    }
  }

  /** Under a lease only what happened under it counts. True when it is a new one. */
  hold(lease: LeaseId): boolean {
    if (this.lease === lease) return false;
    this.lease = lease;
    this.hasWorked = false;
    this.most = undefined;
    this.forget();
    return true;
  }

  /** Its processes were stopped: what was measured says nothing of them. */
  forget(): void {
    this.done = [];
    this.at = undefined;
    this.sums = {};
  }

  /** What it drew, from steps of any length. */
  learnFrom(cells: readonly Cell[]): void {
    for (const cell of cells) this.learn(cell);
  }

  /** What was seen by an earlier run of this program. */
  recall(cells: readonly Cell[]): void {
    const first = this.done[0]?.at ?? this.at ?? Number.POSITIVE_INFINITY;
    this.done = [...cells.filter(({ at }) => at < first), ...this.done];
  }

  /** Complete steps, oldest first. */
  get cells(): readonly Cell[] {
    return this.done;
  }

  get worked(): boolean {
    return this.hasWorked;
  }

  get busyWatts(): number | undefined {
    return this.most;
  }

  get restingWatts(): number | undefined {
    return this.least;
  }

  private close(): void {
    if (this.at === undefined) return;
    const cell: { -readonly [K in keyof Cell]: Cell[K] } = { at: this.at };
    for (const field of fields) {
      const sum = this.sums[field];
      if (sum) cell[field] = sum.total / sum.count;
    }
    this.sums = {};
    this.learn(cell);
    this.done.push(cell);
    const oldest = this.at - this.keptMs;
    const kept = this.done.findIndex(({ at }) => at >= oldest);
    if (kept > 0) this.done.splice(0, kept);
  }

  private learn({ utilizationPercent: used, powerWatts: watts }: Cell): void {
    if (used === undefined) return;
    if (used >= workingPercent) this.hasWorked = true;
    if (watts === undefined) return;
    if (used >= busyPercent) this.most = Math.max(this.most ?? watts, watts);
    if (used <= restingPercent) this.least = Math.min(this.least ?? watts, watts);
  }
}
