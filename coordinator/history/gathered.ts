/** Samples on their way to one slot: the mean of each column, of those samples that had a value. */
export class Gathered {
  private sums: Float64Array;
  private counts: Uint32Array;

  constructor(private readonly columns: number) {
    this.sums = new Float64Array(columns);
    this.counts = new Uint32Array(columns);
  }

  add(values: readonly number[] | Float32Array): void {
    for (let column = 0; column < this.columns; column++) {
      const value = values[column] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      this.sums[column] = (this.sums[column] ?? 0) + value;
      this.counts[column] = (this.counts[column] ?? 0) + 1;
    }
  }

  get isEmpty(): boolean {
    return !this.counts.some((count) => count > 0);
  }

  /** The means so far; NaN where nothing was said. */
  means(): number[] {
    return Array.from(this.sums, (sum, column) => sum / (this.counts[column] ?? 0));
  }

  /** Begins anew. */
  take(): number[] {
    const means = this.means();
    this.sums = new Float64Array(this.columns);
    this.counts = new Uint32Array(this.columns);
    return means;
  }
}
