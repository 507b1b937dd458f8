import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

export interface LimitedRun {
  argv: readonly [string, ...string[]];
  timeoutMs: number;
  environment: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** Its standard input: where a secret goes that no command line may hold. */
  input?: string | undefined;
  /** All that it writes, as it comes. */
  heard?: ((stream: "stdout" | "stderr", text: string) => void) | undefined;
}

export interface LimitedEnd {
  /** In words; undefined when it ended with 0. */
  problem: string | undefined;
  /** The end of what it wrote to standard error, or else to standard output. */
  words: string;
  /** It was ended because it took too long, or was called off. */
  late: boolean;
  /** The process, when not even SIGKILL has ended it: it waits for a server, in the kernel. */
  lingering: number | undefined;
}

const wordsMax = 2_000;
/** After SIGKILL: what is in an uninterruptible wait on a dead server does not go, and nobody waits for it. */
const givenUpMs = 1_000;

/** Without the rest of a word that was cut: it may be the end of a secret, which nobody would know as one. */
const whole = (text: string) => (text.length < wordsMax ? text : text.replace(/^\S*/, "")).trim();

/** Runs whatever may touch a file system that hangs: a process group of its own, killed at the limit. Always resolves, soon after the limit at most. */
export function runLimited({ argv, timeoutMs, environment, signal, input, heard }: LimitedRun): Promise<LimitedEnd> {
  return new Promise((resolve) => {
    const [program, ...rest] = argv;
    const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(program, rest, {
      env: environment,
      cwd: "/",
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    // One that ends without reading says so by its exit.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const words = { stdout: "", stderr: "" };
    let late: string | undefined;
    let givingUp: NodeJS.Timeout | undefined;
    const end = (problem: string | undefined, lingering?: number) => {
      clearTimeout(limit);
      clearTimeout(givingUp);
      signal?.removeEventListener("abort", abort);
      // A daemon that it left behind may hold the pipes.
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      const said = whole(words.stderr) || whole(words.stdout);
      resolve({ problem, words: said, late: late !== undefined, lingering });
    };
    const stop = (why: string) => {
      late ??= why;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch (error) {
        // Gone already, a moment before the limit.
        if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
      }
      givingUp ??= setTimeout(() => end(why, child.pid), givenUpMs);
    };
    const limit = setTimeout(() => stop(`it took longer than ${timeoutMs / 1000} s`), timeoutMs);
    const abort = () => stop("it was called off");
    for (const name of ["stdout", "stderr"] as const) {
      child[name].on("data", (chunk: Buffer) => {
        const text = chunk.toString();
        words[name] = (words[name] + text).slice(-wordsMax);
        heard?.(name, text);
      });
    }
    child.once("error", (error) => end(error.message));
    child.once("exit", (code, killedBy) => {
      const problem = code === 0 ? undefined : (late ?? (killedBy ? `ended by ${killedBy}` : `exit code ${code}`));
      // Its last words may still be in the pipe; a daemon may keep that open for ever.
      const last = setTimeout(() => end(problem), 50);
      child.once("close", () => {
        clearTimeout(last);
        end(problem);
      });
    });
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
  });
}
