/** Samples on their way to one slot: the mean and the most of each column, of those samples that had a value. */
export class Gathered {
  private sums: Float64Array;
  private highest: Float64Array;
  private counts: Uint32Array;

  constructor(private readonly columns: number) {
    this.sums = new Float64Array(columns);
    this.highest = new Float64Array(columns).fill(Number.NaN);
    this.counts = new Uint32Array(columns);
  }

  add(values: readonly number[]): void {
    for (let column = 0; column < this.columns; column++) {
      const value = values[column] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      const most = this.highest[column] ?? Number.NaN;
      this.sums[column] = (this.sums[column] ?? 0) + value;
      this.highest[column] = Number.isNaN(most) ? value : Math.max(most, value);
      this.counts[column] = (this.counts[column] ?? 0) + 1;
    }
  }

  get isEmpty(): boolean {
    return !this.counts.some((count) => count > 0);
  }

  /** So far; NaN where nothing was said. */
  means(): number[] {
    return Array.from(this.sums, (sum, column) => sum / (this.counts[column] ?? 0));
  }

  mosts(): number[] {
    return [...this.highest];
  }

  /** Begins anew. */
  clear(): void {
    this.sums.fill(0);
    this.highest.fill(Number.NaN);
    this.counts.fill(0);
  }
}
