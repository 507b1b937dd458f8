import type { Logger } from "pino";
import { isFull } from "../../shared/disk-reserve.js";

/** Does what a disk may refuse, and says so once until it works again: what is measured is worth no more than that. */
export class Guarded {
  private failing = false;

  constructor(
    private readonly log: Logger,
    private readonly complaint: string,
  ) {}

  run<T>(work: () => T): T | undefined {
    try {
      const done = work();
      this.failing = false;
      return done;
    } catch (error) {
      if (!isFull(error) && !(error instanceof Error && "code" in error)) throw error;
      if (!this.failing) this.log.error({ err: error }, this.complaint);
      this.failing = true;
      return undefined;
    }
  }
}
