import { type ChildProcess, spawn } from "node:child_process";

const outputMax = 4 * 1024 * 1024;
const wordsMax = 500;
const leftOpenMs = 1_000;

/** The program ended badly, or was not waited for any longer. */
export class ProgramFailed extends Error {
  override name = "ProgramFailed";
  constructor(
    message: string,
    readonly run: { exitCode: number | undefined; output: string; timedOut: boolean },
  ) {
    super(message);
  }
}

/** Of each program, how many runs were killed and have not ended: the kernel holds them, and it would hold the next as well. */
const held = new Map<string, number>();

const killGroup = (pid: number) => void process.kill(-pid, "SIGKILL");

/** What a program writes. Rejects at the limit at the latest, whether or not the program can be killed: a broken driver may hold it for ever. */
export function limitedOutput(
  program: string,
  words: string[],
  timeoutMs: number,
  kill: (pid: number) => void = killGroup,
): Promise<string> {
  return new Promise((resolve, reject) => {
    if ((held.get(program) ?? 0) > 0) {
      const run = { exitCode: undefined, output: "", timedOut: true };
      reject(new ProgramFailed(`${program} was killed and does not end: it is not started again before it has`, run));
      return;
    }
    const child = spawn(program, words, { detached: true, stdio: ["ignore", "pipe", "pipe"], cwd: "/" });
    let output = "";
    let errors = "";
    const stop = (why: string, timedOut: boolean) => {
      try {
        if (child.pid !== undefined) {
          kill(child.pid);
          hold(program, child);
        }
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) reject(error);
      }
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      // Never half an output: it can look whole.
      reject(new ProgramFailed(`${program} ${why}`, { exitCode: undefined, output: "", timedOut }));
    };
    const limit = setTimeout(() => stop(`did not end within ${timeoutMs / 1000} s`, true), timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.length > outputMax) stop("wrote too much", false);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-wordsMax);
    });
    child.once("error", (error) => {
      clearTimeout(limit);
      reject(error);
    });
    let ended = false;
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      if (ended) return;
      ended = true;
      clearTimeout(limit);
      // nvidia-smi tells its troubles on standard output.
      if (code === 0) {
        resolve(output);
        return;
      }
      const words = (errors.trim() || output.trim()).slice(-wordsMax);
      const run = { exitCode: code ?? undefined, output: output === "" ? errors : output, timedOut: false };
      reject(new ProgramFailed(`${program} failed (${signal ?? `exit code ${code}`}): ${words}`, run));
    };
    child.once("close", end);
    // Somebody that it has left behind may hold its output open for ever.
    child.once("exit", (code, signal) => {
      setTimeout(() => {
        if (!ended) child.stdout.destroy();
        if (!ended) child.stderr.destroy();
        end(code, signal);
      }, leftOpenMs).unref();
    });
  });
}

function hold(program: string, child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  held.set(program, (held.get(program) ?? 0) + 1);
  child.once("exit", () => held.set(program, (held.get(program) ?? 1) - 1));
}
