import { type ChildProcessByStdio, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { Logger } from "pino";

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const readyWithinMs = 10_000;
const lookMs = 1_000;
const longestWaitMs = 2_000;
/** After so many in a row nobody waits any more for the next. */
const failuresWaitedFor = 3;

/**
 * `stoker-shim watch`: the process beside this one that freezes leases whose deadline has passed. Each agent starts its own, which takes the
 * place of the one before; it outlives the agent for as long as there is a lease to look after.
 */
export class Watchdog {
  private child: Child | undefined;
  private watching = false;
  private closed = false;
  private failures = 0;
  private last = "";
  private readonly waiting = new Set<() => void>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly shimPath: string,
    private readonly dataDir: string,
    private readonly log: Logger,
  ) {}

  /** Resolves when it watches, or takes too long to: then `problem` says so. It is tried again and again. */
  async start(): Promise<void> {
    this.launch();
    this.timer = setInterval(() => this.look(), lookMs);
    this.timer.unref();
    await this.ready();
  }

  /** In words; "" when it watches. Without it no lease may begin. */
  problem(): string {
    return this.watching ? "" : `the watchdog does not run: ${this.last === "" ? "it has not started yet" : this.last}`;
  }

  /** True when it watches, at once or soon. */
  async ready(): Promise<boolean> {
    if (!this.watching && this.failures < failuresWaitedFor) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, readyWithinMs);
        this.waiting.add(done);
      });
    }
    return this.watching;
  }

  /** It goes on by itself. */
  close(): void {
    this.closed = true;
    clearInterval(this.timer);
    for (const done of this.waiting) done();
    const child = this.child;
    this.child = undefined;
    child?.stdin.end();
    child?.stdout.destroy();
    child?.stderr.destroy();
  }

  private launch(): void {
    if (this.closed) return;
    const child = spawn(this.shimPath, ["watch", "--data", this.dataDir, "--replace"], {
      cwd: "/",
      env: {},
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child = child;
    child.unref();
    child.stdin.on("error", (error) => this.log.debug({ err: error }, "the watchdog's input is closed"));
    child.stdout.on("data", () => this.watches());
    child.stderr.on("data", (chunk: Buffer) => this.says(chunk.toString()));
    child.once("error", (error) => this.lost(child, error.message));
    child.once("exit", (code, signal) => this.lost(child, signal ?? `exit code ${code}`));
  }

  private watches(): void {
    this.watching = true;
    this.failures = 0;
    this.last = "";
    for (const done of this.waiting) done();
  }

  private says(text: string): void {
    for (const words of text.split("\n")) {
      if (words !== "") this.log.warn({ from: "watchdog" }, words.replace(/^stoker-shim: /, ""));
      if (words !== "") this.last = words;
    }
  }

  private lost(child: Child, why: string): void {
    if (this.child !== child) return;
    this.child = undefined;
    this.watching = false;
    this.last = this.last === "" ? why : `${why}: ${this.last}`.slice(0, 500);
    this.log.error({ why: this.last }, "the watchdog is gone; starting another");
    const waitMs = this.failures === 0 ? 0 : Math.min(longestWaitMs, 50 * 2 ** this.failures);
    this.failures += 1;
    if (this.failures >= failuresWaitedFor) for (const done of this.waiting) done();
    setTimeout(() => this.launch(), waitMs).unref();
  }

  /** One that is stopped freezes nobody. */
  private look(): void {
    const pid = this.child?.pid;
    if (pid === undefined || !isStopped(pid)) return;
    this.log.error({ pid }, "the watchdog was stopped; it is killed, and another is started");
    this.child?.kill("SIGKILL");
  }
}

function isStopped(pid: number): boolean {
  try {
    return /\) [Tt] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // It ended just now, which its exit tells.
    if (code === "ENOENT" || code === "ESRCH") return false;
    throw error;
  }
}
