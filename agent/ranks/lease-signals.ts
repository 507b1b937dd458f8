import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { LeaseId } from "../../shared/ids.js";

const retryMs = 500;

/**
 * SIGKILL for every process of a lease, descendants that left their session included: `stoker-shim` searches for them. One order at a time for
 * each lease, tried until it succeeds. Freezing is the watchdog's.
 */
export class LeaseSignals {
  private readonly newest = new Map<LeaseId, Promise<void>>();
  private closed = false;

  constructor(
    private readonly shimPath: string,
    private readonly spoolRoot: string,
    /** The lease's control group, where it has one. */
    private readonly groupOf: (lease: LeaseId) => string | undefined,
    private readonly log: Logger,
  ) {}

  /** Resolves when a search finds nothing that lives. */
  kill(lease: LeaseId): Promise<void> {
    const done = (this.newest.get(lease) ?? Promise.resolve()).then(() => this.insist(lease));
    this.newest.set(lease, done);
    return done;
  }

  forget(lease: LeaseId): void {
    this.newest.delete(lease);
  }

  close(): void {
    this.closed = true;
  }

  private async insist(lease: LeaseId): Promise<void> {
    for (;;) {
      const problem = await this.run(lease);
      if (problem === undefined || this.closed) return;
      this.log.error({ lease, problem }, "the processes of a lease could not be killed; trying again");
      await delay(retryMs);
    }
  }

  private run(lease: LeaseId): Promise<string | undefined> {
    return new Promise((resolve) => {
      const group = this.groupOf(lease);
      const inGroup = group === undefined ? [] : ["--cgroup", group];
      const child = spawn(this.shimPath, ["kill", "--lease", lease, "--spool", this.spoolRoot, ...inGroup], {
        env: { PATH: process.env.PATH ?? "" },
        cwd: this.spoolRoot,
        stdio: ["ignore", "ignore", "pipe"],
      });
      let words = "";
      child.stderr.on("data", (chunk: Buffer) => {
        words = `${words}${chunk.toString()}`.slice(-500);
      });
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => {
        resolve(code === 0 ? undefined : `${signal ?? `exit code ${code}`}: ${words.trim()}`);
      });
    });
  }
}
