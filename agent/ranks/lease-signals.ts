import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { LeaseId } from "../../shared/ids.js";

type Order = "freeze" | "thaw" | "kill";

const retryMs = 500;

/**
 * Freeze, thaw and kill for every process of a lease, descendants that left their session included: `stoker-shim` searches for them. One
 * order at a time for each lease, each tried until it succeeds or a newer one takes its place.
 */
export class LeaseSignals {
  private readonly newest = new Map<LeaseId, { order: Order; done: Promise<void> }>();
  private closed = false;

  constructor(
    private readonly shimPath: string,
    private readonly spoolRoot: string,
    private readonly log: Logger,
  ) {}

  /** Resolves when it is done, or a newer order was given. */
  give(lease: LeaseId, order: Order): Promise<void> {
    const before = this.newest.get(lease)?.done ?? Promise.resolve();
    const mine = { order, done: Promise.resolve() };
    mine.done = before.then(() => this.insist(lease, mine));
    this.newest.set(lease, mine);
    return mine.done;
  }

  forget(lease: LeaseId): void {
    this.newest.delete(lease);
  }

  close(): void {
    this.closed = true;
  }

  private async insist(lease: LeaseId, mine: { order: Order }): Promise<void> {
    for (;;) {
      // A kill stands whatever comes after it.
      if (mine.order !== "kill" && this.newest.get(lease) !== mine) return;
      const problem = await this.run(lease, mine.order);
      if (problem === undefined || this.closed) return;
      this.log.error({ lease, order: mine.order, problem }, "the processes of a lease did not obey; trying again");
      await delay(retryMs);
    }
  }

  private run(lease: LeaseId, order: Order): Promise<string | undefined> {
    return new Promise((resolve) => {
      const dirs = shimDirs(join(this.spoolRoot, lease)).flatMap((dir) => ["--dir", dir]);
      const child = spawn(this.shimPath, [order, "--lease", lease, ...dirs], {
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

const mostDirs = 256;

/** The folders of the lease's shims: their descendants are found even if they have cleared their environment. */
function shimDirs(spool: string): string[] {
  const inside = (path: string) => (existsSync(path) ? readdirSync(path) : []);
  const own = inside(spool).filter((name) => name === "preparation" || name.startsWith("rank-"));
  const remote = inside(join(spool, "remote")).map((name) => join("remote", name));
  return [...own, ...remote].slice(0, mostDirs).map((name) => join(spool, name));
}
