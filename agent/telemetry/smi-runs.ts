import { failureOf } from "./smi/ask.js";

/** `sample`: the few values that are read often; `full`: everything, for the GPUs' health. */
export type SmiQuery = "sample" | "full";

export interface SmiTally {
  count: number;
  seconds: number;
  /** By kind. */
  readonly failures: Map<string, number>;
}

/** How long nvidia-smi took, and how it failed. */
export class SmiRuns {
  readonly of: Readonly<Record<SmiQuery, SmiTally>> = { sample: newTally(), full: newTally() };

  /** Failures are counted, and go on. */
  async timed<T>(query: SmiQuery, run: () => Promise<T>): Promise<T> {
    const tally = this.of[query];
    const begin = performance.now();
    try {
      return await run();
    } catch (error) {
      const { kind } = failureOf(error);
      tally.failures.set(kind, (tally.failures.get(kind) ?? 0) + 1);
      throw error;
    } finally {
      tally.count += 1;
      tally.seconds += (performance.now() - begin) / 1000;
    }
  }
}

const newTally = (): SmiTally => ({ count: 0, seconds: 0, failures: new Map() });
