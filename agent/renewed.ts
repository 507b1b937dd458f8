import { readFileSync, writeFileSync } from "node:fs";
import type { Logger } from "pino";

/**
 * When the last answered heartbeat was sent, by the machine's monotonic clock: a restarted agent goes on counting its leases from there.
 * Not synced: after a power cut there is nothing to count for.
 */
export class Renewed {
  private failed = false;

  constructor(
    private readonly path: string,
    private readonly bootId: string,
    private readonly log: Logger,
  ) {}

  note(at: number): void {
    try {
      writeFileSync(this.path, JSON.stringify({ boot: this.bootId, at }));
      this.failed = false;
    } catch (error) {
      // Costs a restarted agent a short stop of its ranks, nothing more; said once.
      if (!this.failed) this.log.warn({ err: error }, "the last renewal could not be written down");
      this.failed = true;
    }
  }

  at(): number | undefined {
    try {
      const noted: unknown = JSON.parse(readFileSync(this.path, "utf8"));
      if (typeof noted !== "object" || noted === null || !("boot" in noted) || !("at" in noted)) return undefined;
      return noted.boot === this.bootId && typeof noted.at === "number" ? noted.at : undefined;
    } catch (error) {
      this.log.debug({ err: error }, "no note of the last renewal");
      return undefined;
    }
  }
}
