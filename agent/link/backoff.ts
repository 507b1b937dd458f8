/** Waits between attempts to reach the coordinator: doubling, and never two agents in step. */
export class Backoff {
  private failures = 0;

  constructor(
    private readonly leastMs = 200,
    private readonly mostMs = 3_000,
    private readonly random: () => number = Math.random,
  ) {}

  nextMs(): number {
    const ceilingMs = Math.min(this.mostMs, this.leastMs * 2 ** this.failures);
    this.failures += 1;
    return Math.round(Math.max(this.leastMs, ceilingMs * (0.5 + this.random() / 2)));
  }

  reset(): void {
    this.failures = 0;
  }
}
