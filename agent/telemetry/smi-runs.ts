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
    const begin = performance.now();
    try {
      return await run();
    } catch (error) {
      this.failed(query, failureOf(error).kind);
      throw error;
    } finally {
      this.took(query, performance.now() - begin);
    }
  }

  took(query: SmiQuery, ms: number): void {
    const tally = this.of[query];
    tally.count += 1;
    tally.seconds += ms / 1000;
  }

  failed(query: SmiQuery, kind: string): void {
    const { failures } = this.of[query];
    failures.set(kind, (failures.get(kind) ?? 0) + 1);
  }
}

const newTally = (): SmiTally => ({ count: 0, seconds: 0, failures: new Map() });
