import type { Site } from "./site.js";

/** One row (or several) of the table of `npm run bench`. */
export interface Figure {
  /** Keys of the JSON object; percentiles are `name.p50`. */
  keys: readonly string[];
  /** What each key must stay under (or, `atLeast`, reach). */
  targets: Readonly<Record<string, Target>>;
  description: string;
  /** A site of its own with this many agents; it is thrown away afterwards. */
  agents: number;
  measure(site: Site): Promise<Record<string, number>>;
}

export type Target = { atMost: number } | { atLeast: number };

export const met = (target: Target, value: number) =>
  "atMost" in target ? value <= target.atMost : value >= target.atLeast;

export const shown = (target: Target) => ("atMost" in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`);

/** The value that `fraction` of the samples do not exceed. */
export function percentile(samples: readonly number[], fraction: number): number {
  if (samples.length === 0) throw new Error("no samples");
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}
