import { type ChildProcess, spawn } from "node:child_process";

export interface LoopHost {
  output(text: string): void;
  /** It ended, by itself or because it was stopped. Not before it has: one that the kernel holds is never replaced by a second one. */
  ended(how: { exitCode: number | undefined; stopped: boolean }): void;
  /** It could not be started at all. */
  failed(error: Error): void;
}

/** One nvidia-smi that goes on by itself until it is stopped. */
export class SmiLoop {
  private readonly child: ChildProcess;
  private stopped = false;

  constructor(program: string, words: readonly string[], host: LoopHost) {
    const child = spawn(program, [...words], {
      ...{ detached: true, stdio: ["ignore", "pipe", "pipe"], cwd: "/" },
      env: { ...process.env, LC_ALL: "C" },
    });
    this.child = child;
    const hear = (chunk: Buffer) => {
      if (!this.stopped) host.output(chunk.toString("latin1"));
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("error", (error) => host.failed(error));
    child.once("exit", (code) => {
      // What it wrote last may still be on its way.
      setImmediate(() => {
        host.ended({ exitCode: code ?? undefined, stopped: this.stopped });
        this.release();
      });
    });
    child.unref();
  }

  /** At once, and whether or not it can be killed: nothing of it is heard any more. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
    this.release();
  }

  private release(): void {
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }
}
