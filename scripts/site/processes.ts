import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A program of `dist/` that runs until it is told to stop. Its own output goes to a log file. */
export class Daemon {
  readonly #process: ChildProcess;

  constructor(
    program: string,
    flags: string[],
    readonly logPath: string,
    home: string,
    /** Words before the command, which bring it into surroundings of its own. */
    enter: readonly string[] = [],
    /** Beside an empty environment. */
    variables: Readonly<Record<string, string>> = {},
  ) {
    const log = openSync(logPath, "a");
    // A session of its own: Ctrl-C is for the one who started it, who then stops it in order.
    const [first = process.execPath, ...rest] = [...enter, process.execPath, program, ...flags];
    this.#process = spawn(first, rest, {
      // Ranks read their user's ~/.bashrc: what is slow or odd in this one's is not Stoker's.
      env: { ...bareEnvironment(), HOME: home, ...variables },
      stdio: ["ignore", log, log],
      detached: true,
    });
  }

  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error(`a program could not be started; see ${this.logPath}`);
    return pid;
  }

  get ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM", patienceMs = 10_000): Promise<void> {
    if (this.ended) return;
    const exited = once(this.#process, "exit");
    this.#process.kill(signal);
    const late = delay(patienceMs, "late", { ref: false });
    if ((await Promise.race([exited, late])) === "late") {
      this.#process.kill("SIGKILL");
      await exited;
    }
  }
}

/** This environment without the user's own settings of Stoker. */
export const bareEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("STOKER_")));

/** Every process, but this one, whose environment or arguments hold `text`. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`].some((path) => readOr(path).includes(text)))
    .map(Number);
}

/** Kills those processes until a look finds none: a killed one may just have forked. What they were. */
export async function killAll(text: string): Promise<string[]> {
  const killed: string[] = [];
  for (let pids = processesWith(text); pids.length > 0; pids = processesWith(text)) {
    for (const pid of pids) {
      const words = readOr(`/proc/${pid}/cmdline`).split("\0").join(" ").trim();
      if (endNow(pid) && words !== "") killed.push(words);
    }
    await delay(20);
  }
  return killed;
}

function endNow(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended by itself meanwhile.
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

/** Of a process that has just ended, nothing. */
function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the socket has no port");
  return address.port;
}

/** Until there is something other than undefined or false. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs: number,
  intervalMs = 50,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`${what}: not within ${deadlineMs / 1000} s`);
    await delay(intervalMs);
  }
}
