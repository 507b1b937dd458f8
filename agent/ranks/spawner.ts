import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Logger } from "pino";
import { Fault } from "../../shared/fault.js";
import type { Confine } from "../ports.js";

type Helper = ChildProcessByStdio<Writable, Readable, Readable>;

interface Waiting {
  resolve(started: Started): void;
  reject(error: unknown): void;
}

export interface Started {
  pid: number;
  /** The process is gone. Rejects when the helper went before it, so that nobody will be told. */
  ended: Promise<void>;
}

/** Nobody knows whether that process was started. */
export class SpawnerLost extends Error {}

/** As in agent/native/spawn.c, which ends, and with it all that wait, at a larger request. */
const requestBytesMax = 16 * 1024 * 1024;

/** Why it can't be asked for, or undefined. A zero byte ends a word: what follows it would be taken for the next one. */
function unsayable(words: readonly string[]): string | undefined {
  if (words.some((word) => word.includes("\0"))) return "a word of the command or of its environment holds a zero byte";
  const bytes = words.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
  return bytes > requestBytesMax ? `the command and its environment have ${bytes} bytes` : undefined;
}

/** Removals wait this long for others, so that many small ones cost one process. */
const gatherMs = 100;

/**
 * `stoker-shim spawn`: a small process that starts shims for this large one, for which a fork would take milliseconds, all standing still.
 * It is started when first needed, and again when it was lost.
 */
export class Spawner {
  private helper: Helper | undefined;
  private next = 0;
  private readonly starting = new Map<string, Waiting>();
  private readonly running = new Map<number, { resolve(): void; reject(error: unknown): void }>();
  private removals: string[] = [];
  private gathering: NodeJS.Timeout | undefined;

  constructor(
    private readonly shimPath: string,
    private readonly log: Logger,
  ) {}

  /** `fence`: the file without which, and after whose time, nothing of the lease begins; "" for what belongs to no lease. */
  start(run: {
    dir: string;
    fence: string;
    argv: string[];
    environment: Record<string, string>;
    cwd: string;
    confine?: Confine | undefined;
  }): Promise<Started> {
    const variables = Object.entries(run.environment).map(([name, value]) => `${name}=${value}`);
    const id = String(this.next++);
    const { how, file } = run.confine ?? { how: "", file: "" };
    const words = [
      "run",
      id,
      run.dir,
      run.fence,
      how,
      file,
      run.cwd,
      String(variables.length),
      ...variables,
      ...run.argv,
    ];
    return new Promise((resolve, reject) => {
      const wrong = unsayable(words);
      if (wrong !== undefined) throw new Fault("failed-precondition", wrong);
      this.starting.set(id, { resolve, reject });
      this.ask(words);
    });
  }

  /** In the background; what is left after a crash is for the next start to find. */
  remove(path: string): void {
    this.removals.push(path);
    this.gathering ??= setTimeout(() => this.removeGathered(), gatherMs);
  }

  /** Frees a part of a file. */
  punch(path: string, from: number, to: number): void {
    this.ask(["punch", path, String(from), String(to)]);
  }

  /** What was started goes on. */
  close(): void {
    if (this.gathering !== undefined) this.removeGathered();
    this.helper?.stdin.end();
    this.helper = undefined;
  }

  private removeGathered(): void {
    clearTimeout(this.gathering);
    this.gathering = undefined;
    this.ask(["remove", ...this.removals]);
    this.removals = [];
  }

  private ask(words: string[]): void {
    const body = Buffer.from(`${words.join("\0")}\0`);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(body.length);
    this.helper ??= this.launch();
    this.helper.stdin.write(Buffer.concat([head, body]));
  }

  private launch(): Helper {
    const helper = spawn(this.shimPath, ["spawn"], {
      cwd: "/",
      env: {},
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    let rest = "";
    helper.stdout.on("data", (chunk: Buffer) => {
      const lines = `${rest}${chunk.toString()}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.take(line);
    });
    let errors = "";
    helper.stderr.on("data", (chunk: Buffer) => {
      errors = `${errors}${chunk.toString()}`.slice(-500);
    });
    helper.on("error", (error) => this.lost(helper, error.message));
    helper.on("close", (code, signal) => this.lost(helper, `${signal ?? `exit code ${code}`} ${errors.trim()}`));
    helper.stdin.on("error", (error) => this.log.debug({ err: error }, "the spawner's input is closed"));
    return helper;
  }

  private take(line: string): void {
    const [word, key, ...rest] = line.split(" ");
    if (word === "ended") {
      const pid = Number(key);
      this.running.get(pid)?.resolve();
      this.running.delete(pid);
      return;
    }
    const waiting = this.starting.get(key ?? "");
    this.starting.delete(key ?? "");
    if (word === "started" && waiting) {
      const pid = Number(rest[0]);
      const ended = new Promise<void>((resolve, reject) => this.running.set(pid, { resolve, reject }));
      // Whoever waits for it handles it; nobody may.
      ended.catch(() => {});
      waiting.resolve({ pid, ended });
    } else if (word === "failed") {
      waiting?.reject(new Fault("failed-precondition", rest.join(" ")));
    }
  }

  private lost(helper: Helper, why: string): void {
    const inUse = this.starting.size + this.running.size > 0;
    if (this.helper === helper) this.helper = undefined;
    else if (!inUse) return;
    if (inUse) this.log.error({ why }, "the process that starts ranks was lost; the next start begins another");
    const error = new SpawnerLost(`the process that starts ranks was lost: ${why}`);
    for (const { reject } of [...this.starting.values(), ...this.running.values()]) reject(error);
    this.starting.clear();
    this.running.clear();
  }
}
