import { existsSync, type FSWatcher, mkdirSync, watch } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { ShimExit, ShimProcess, Shims } from "../ports.js";
import { isShimOf, lost, readExit, readPid } from "./shim-files.js";
import { type Spawner, SpawnerLost, type Started } from "./spawner.js";

/** How long a shim that was started by an agent now dead may take to write its number down. */
const pidWithinMs = 5_000;
/** A shim that was killed says nothing: looked for this often. */
const livenessMs = 2_000;
/** One that was started a moment ago still has the words of who started it, or none, until the kernel has made it a shim. */
const becomesWithinMs = 5_000;

/** `stoker-shim run`: each process in a folder and session of its own, which go on when the agent is gone. */
export class LocalShims implements Shims {
  private readonly watches = new Set<{ stop(): void }>();

  constructor(
    private readonly spawner: Spawner,
    /** The fence of the lease that a process's environment names. */
    private readonly fenceOf: (lease: string) => string,
    private readonly log: Logger,
  ) {}

  async start(run: Parameters<Shims["start"]>[0]): Promise<ShimProcess> {
    // Made by whoever comes first: that it exists is the sign, for every later agent, that this was started.
    mkdirSync(run.dir, { mode: 0o700 });
    let started: Started;
    try {
      const lease = run.environment.STOKER_LEASE;
      started = await this.spawner.start({ ...run, fence: lease === undefined ? "" : this.fenceOf(lease) });
    } catch (error) {
      if (!(error instanceof SpawnerLost)) throw error;
      const found = await this.adopt(run.dir);
      if (found) return found;
      throw error;
    }
    const { pid } = started;
    await this.becomesShim(started, run.dir);
    const exited = started.ended.then(
      () => readExit(run.dir) ?? lost("the shim was killed"),
      () => this.watchExit(run.dir, pid),
    );
    return { dir: run.dir, pid, exited };
  }

  /** Before that it would be taken for one that is gone: no signal would be sent to it, and without its spawner its end would be made up. */
  private async becomesShim({ pid, ended }: Started, dir: string): Promise<void> {
    const deadline = performance.now() + becomesWithinMs;
    let over = false;
    ended.then(
      () => {
        over = true;
      },
      // The spawner is lost, and this one is not.
      () => undefined,
    );
    while (!over && !isShimOf(pid, dir) && readPid(dir) === undefined && performance.now() < deadline) await delay(1);
  }

  async adopt(dir: string): Promise<ShimProcess | undefined> {
    if (!existsSync(dir)) return undefined;
    const deadline = Date.now() + pidWithinMs;
    for (;;) {
      const exit = readExit(dir);
      const pid = readPid(dir);
      if (exit) return { dir, pid: pid ?? 0, exited: Promise.resolve(exit) };
      if (pid !== undefined) return { dir, pid, exited: this.watchExit(dir, pid) };
      if (Date.now() > deadline) {
        return { dir, pid: 0, exited: Promise.resolve(lost("it was never seen to start")) };
      }
      await delay(50);
    }
  }

  signal(process_: ShimProcess, signal: "SIGTERM" | "SIGQUIT" | "SIGKILL"): void {
    if (process_.pid <= 1 || !isShimOf(process_.pid, process_.dir)) return;
    try {
      // The shim passes SIGTERM on to what it started; SIGKILL is for `stoker-shim kill`, which spares the shim to write the exit down.
      process.kill(process_.pid, signal);
    } catch (error) {
      this.log.debug({ err: error, dir: process_.dir }, "the process was gone before the signal");
    }
  }

  close(): void {
    for (const watcher of this.watches) watcher.stop();
  }

  /** Not our child: its exit file tells, or its absence from the process table. */
  private watchExit(dir: string, pid: number): Promise<ShimExit> {
    return new Promise((resolve) => {
      let watcher: FSWatcher | undefined;
      const look = (): boolean => {
        // In this order: a shim that ends between the two has written its exit by the second look.
        const alive = isShimOf(pid, dir);
        const exit = readExit(dir) ?? (alive ? undefined : lost("the shim was killed"));
        if (exit === undefined) return false;
        stop.stop();
        resolve(exit);
        return true;
      };
      const stop = {
        stop: () => {
          clearInterval(timer);
          watcher?.close();
          this.watches.delete(stop);
        },
      };
      const timer = setInterval(look, livenessMs);
      this.watches.add(stop);
      try {
        watcher = watch(dir, () => look());
        watcher.on("error", (error) =>
          this.log.warn({ err: error, dir }, "the folder can't be watched; its process is polled"),
        );
      } catch (error) {
        this.log.warn({ err: error, dir }, "the folder can't be watched; its process is polled");
      }
      look();
    });
  }
}
