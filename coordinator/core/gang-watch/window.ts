import type { Cell, Gang, WatchedGpu } from "./gang.js";
import type { Thresholds } from "./thresholds.js";

/** So many steps may be missing in a row, as when an agent is started anew, and this part of all. */
const gapSteps = 6;
const coveredPart = 0.8;

/**
 * The values of one kind in the last `forMs`, oldest first. Undefined where the ranks have not run for so long, or where too little was
 * measured to speak of the whole time.
 */
export function recent(
  gang: Gang,
  gpu: WatchedGpu,
  field: Exclude<keyof Cell, "at">,
  forMs: number,
  { step }: Thresholds,
): number[] | undefined {
  const from = gang.now - forMs;
  if (from < gang.since) return undefined;
  const gapMs = Math.min(gapSteps * step, forMs / 2);
  const values: number[] = [];
  let last = from;
  for (const cell of gpu.cells) {
    const value = cell[field];
    if (cell.at < from || value === undefined || Number.isNaN(value)) continue;
    if (cell.at - last > gapMs) return undefined;
    last = cell.at;
    values.push(value);
  }
  // The first may lie half before, and the last is not complete yet.
  const wanted = Math.max(2, coveredPart * (Math.floor(forMs / step) - 2));
  return gang.now - last > gapMs + step || values.length < wanted ? undefined : values;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** Below it the meter's own noise is more than the part allowed. */
const noiseWatts = 4;

/** It varies by no more than `part` of itself; a single outlier in twenty is none. */
export function isFlat(values: readonly number[], part: number): boolean {
  const spread = quantile(values, 0.95) - quantile(values, 0.05);
  return spread <= Math.max(noiseWatts, part * median(values));
}

/** `12 minutes`, for people. */
export function lasting(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} seconds`;
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}
