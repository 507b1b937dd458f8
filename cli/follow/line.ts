import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../call.js";
import { isTransient } from "../failure.js";

const firstWaitMs = 100;
const longestWaitMs = 2_000;

/**
 * The line to the coordinator, for commands that follow something over its restarts. What fails before the first answer is the user's to
 * mend; what breaks after it mends itself, so it is waited for, however long, and told once.
 */
export class Line {
  #reached = false;
  #told = false;
  #waitMs = firstWaitMs;

  constructor(
    private readonly call: Call,
    private readonly address: string,
  ) {}

  /** Something came over it. */
  async up(): Promise<void> {
    this.#reached = true;
    this.#waitMs = firstWaitMs;
    if (!this.#told) return;
    this.#told = false;
    await this.call.notice(`the coordinator at ${this.address} is back`);
  }

  /** It broke: waits a while, or throws what no waiting mends. Without an error the coordinator closed it, as when it stops. */
  async down(error: unknown, signal: AbortSignal): Promise<void> {
    if (error !== undefined && !(this.#reached && isTransient(error))) throw error;
    if (!this.#told && error !== undefined) {
      this.#told = true;
      await this.call.notice(`lost the coordinator at ${this.address}; the job goes on, waiting for it to come back`);
    }
    await delay(this.#waitMs, undefined, { signal }).catch(() => undefined);
    this.#waitMs = Math.min(this.#waitMs * 2, longestWaitMs);
  }
}
