import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { Fences } from "../../agent/watchdog/fences.js";
import { bootClock } from "../../shared/boot-clock.js";
import { type LeaseId, parseLeaseId } from "../../shared/ids.js";
import { stateOf } from "./agent-site.js";
import { bootId } from "./fence.js";
import { until } from "./until.js";

const shim = resolve(import.meta.dirname, "../../dist/stoker-shim");
const log = pino({ level: "silent" });

/** A data folder with real fences, shims and watchdogs, and no agent: the test writes the deadlines. */
export class WatchSite {
  readonly clock = bootClock();
  readonly dir = mkdtempSync(join(tmpdir(), "stoker-watch-"));
  readonly fences: Fences;
  private readonly started: ChildProcess[] = [];
  private readonly leases: LeaseId[] = [];

  constructor(group?: string) {
    mkdirSync(join(this.dir, "spool"));
    this.fences = new Fences(join(this.dir, "fences"), bootId, group, log);
  }

  /** As an agent starts it: it lasts as long as the returned process's input is open, or a fence is there. */
  async watch(...words: string[]): Promise<ChildProcess> {
    const child = this.spawn(["watch", "--data", this.dir, ...words], {}, "pipe");
    let said = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    if (words.includes("--replace")) await until("the watchdog", () => said.includes("watching"));
    return child;
  }

  lease(forMs: number, policy = "freeze"): LeaseId {
    const id = parseLeaseId(`${randomUUID()}.1`);
    if (!id) throw new Error("not a lease id");
    this.leases.push(id.lease);
    this.renew(id.lease, forMs, policy);
    return id.lease;
  }

  renew(lease: LeaseId, forMs: number, policy = "freeze"): void {
    this.fences.set(lease, policy, this.clock.monotonic() + forMs);
  }

  /** A rank under its shim. `rank.pid` is written by the text itself: see `pid`. */
  rank(lease: LeaseId, text: string, rank = 0): ChildProcess {
    const dir = join(this.dir, "spool", lease, `rank-${rank}`);
    mkdirSync(dir, { recursive: true });
    const words = ["run", "--dir", dir, "--fence", this.fences.path(lease), "--", "bash", "-c", text];
    return this.spawn(words, { STOKER_LEASE: lease, PATH: process.env.PATH ?? "" }, "ignore");
  }

  /** One that does nothing, and its number. */
  async sleeper(lease: LeaseId, rank = 0): Promise<number> {
    const file = join(this.dir, `pid-${lease}-${rank}`);
    this.rank(lease, `echo $$ > ${file}; exec sleep 600`, rank);
    return this.numberIn(file);
  }

  numberIn(file: string): Promise<number> {
    return until(`a number in ${file}`, () => {
      const text = existsSync(file) ? readFileSync(file, "utf8") : "";
      return text.endsWith("\n") && Number(text);
    });
  }

  exitOf(lease: LeaseId, rank = 0): string {
    const file = join(this.dir, "spool", lease, `rank-${rank}`, "exit");
    return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  }

  errorsOf(lease: LeaseId, rank = 0): string {
    return readFileSync(join(this.dir, "spool", lease, `rank-${rank}`, "stderr"), "utf8");
  }

  /** Those that watch this folder, whoever started them. */
  watchdogs(): number[] {
    return processesOf(["watch", "--data", this.dir]);
  }

  async stop(): Promise<void> {
    for (const lease of this.leases) {
      const group = this.fences.group(lease);
      const inGroup = group === undefined ? [] : ["--cgroup", group];
      const kill = this.spawn(["kill", "--lease", lease, "--spool", join(this.dir, "spool"), ...inGroup], {}, "ignore");
      await until("the end of all of the lease", () => kill.exitCode !== null);
      this.fences.remove(lease);
    }
    for (const child of this.started) child.stdin?.end();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    await until("no watchdog", () => this.watchdogs().length === 0);
  }

  private spawn(words: string[], env: Record<string, string>, stdin: "pipe" | "ignore"): ChildProcess {
    const child = spawn(shim, words, { env, detached: true, stdio: [stdin, "pipe", "ignore"] });
    child.stdin?.on("error", () => {});
    this.started.push(child);
    return child;
  }
}

/** Processes with these words one after the other in their command line. */
export function processesOf(words: string[]): number[] {
  const wanted = `\0${words.join("\0")}\0`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => commandLine(name).includes(wanted))
    .map(Number);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH")) return "";
    throw error;
  }
}

export const isFrozen = (pid: number) => stateOf(pid) === "T";
