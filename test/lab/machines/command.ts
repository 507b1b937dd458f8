import { type ChildProcess, spawn } from "node:child_process";

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  input?: string;
  environment?: Record<string, string>;
  /** Killed after this long, which gives code 137. */
  limitMs?: number;
}

export class CommandFailed extends Error {
  constructor(
    readonly argv: string[],
    readonly outcome: Outcome,
  ) {
    const said = (outcome.stderr.trim() || outcome.stdout.trim()).slice(-2000);
    super(`${argv.join(" ").slice(0, 300)}: exit ${outcome.code}${said ? `\n${said}` : ""}`);
  }
}

/** Runs a program of the host to its end; never throws for its exit code. */
export function attempt(argv: string[], options: CommandOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = start(argv, ["pipe", "pipe", "pipe"], options.environment);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const timer = options.limitMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), options.limitMs);
    child.stdout?.on("data", (data: Buffer) => stdout.push(data));
    child.stderr?.on("data", (data: Buffer) => stderr.push(data));
    child.on("error", reject);
    // A program may end without reading its input.
    child.stdin?.on("error", () => child.stdin?.destroy());
    child.stdin?.end(options.input ?? "");
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({
        code: code ?? 137,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

/** Runs a program of the host that must succeed; gives what it printed. */
export async function command(argv: string[], options: CommandOptions = {}): Promise<string> {
  const outcome = await attempt(argv, options);
  if (outcome.code !== 0) throw new CommandFailed(argv, outcome);
  return outcome.stdout;
}

/** Runs a program with this process's own input and output. */
export function passThrough(argv: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = start(argv, ["inherit", "inherit", "inherit"]);
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 137));
  });
}

/** Starts a program that may outlive this one, with its output in an open file. */
export function startDetached(argv: string[], outputFd: number, environment?: Record<string, string>): ChildProcess {
  const child = start(argv, ["ignore", outputFd, outputFd], environment, true);
  child.unref();
  return child;
}

type Stdio = "ignore" | "inherit" | "pipe" | number;

function start(
  argv: string[],
  stdio: [Stdio, Stdio, Stdio],
  environment: Record<string, string> = {},
  detached = false,
): ChildProcess {
  const [program = "true", ...words] = argv;
  return spawn(program, words, { stdio, detached, env: { ...process.env, ...environment } });
}

/** One word for `sh -c`. */
export const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
