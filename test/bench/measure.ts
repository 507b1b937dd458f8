/** Nearest rank of the sorted samples. */
export function percentile(samples: number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (value === undefined) throw new Error("there are no samples");
  return value;
}

/** Milliseconds since the epoch, finer than Date.now: comparable with the clock of other processes here. */
export const wallMs = () => performance.timeOrigin + performance.now();

export const rounded = (value: number) => (value >= 100 ? Math.round(value) : Math.round(value * 10) / 10);
