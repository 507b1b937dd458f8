import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ganeshaConfig } from "./ganesha-config.js";
import { everyExport, refusalsIn } from "./ganesha-log.js";
import type { NfsServer, Served } from "./served.js";

export interface GaneshaOptions {
  /** Its configuration, log and state. */
  folder: string;
  port: number;
  /** Where its program is looked for. */
  path: string;
  startLimitMs?: number;
}

/**
 * NFS-Ganesha as a process of its own, which this agent's end does not touch: nodes go on reading while the agent is upgraded, and the next
 * agent finds it by its configuration file. What is served is changed by SIGHUP, so that clients of other exports notice nothing.
 */
export class Ganesha implements NfsServer {
  readonly name = "ganesha";
  readonly port: number;
  private readonly config: string;
  private readonly log: string;
  private readonly pidFile: string;
  private refused: ReadonlyMap<string, string> = new Map();

  constructor(private readonly options: GaneshaOptions) {
    this.port = options.port;
    this.config = join(options.folder, "ganesha.conf");
    this.log = join(options.folder, "ganesha.log");
    this.pidFile = join(options.folder, "ganesha.pid");
  }

  mountPointOf({ mountPoint }: Served): string {
    return mountPoint;
  }

  async serve(exports: readonly Served[]): Promise<ReadonlyMap<string, string>> {
    const running = this.pid();
    if (exports.length === 0) {
      if (running !== undefined) await this.stop(running);
      return new Map();
    }
    const changed = this.configure(exports);
    if (running !== undefined && !changed) return this.refused;
    const said = running === undefined ? 0 : statSync(this.log).size;
    if (running === undefined) await this.start();
    else process.kill(running, "SIGHUP");
    await this.answers(running === undefined ? undefined : said);
    const refusals = refusalsIn(this.logFrom(said));
    this.refused = new Map(
      exports.flatMap(({ id, mountPoint }) => {
        const why = refusals.get(mountPoint) ?? refusals.get(everyExport);
        return why === undefined ? [] : [[id, why]];
      }),
    );
    return this.refused;
  }

  /** Of ours, also when an earlier agent started it. */
  pid(): number | undefined {
    if (!existsSync(this.pidFile)) return undefined;
    const pid = Number(readFileSync(this.pidFile, "utf8").trim());
    if (!Number.isInteger(pid) || pid < 2) return undefined;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(this.config) ? pid : undefined;
    } catch {
      // It has ended.
      return undefined;
    }
  }

  /** True when it says anything new. */
  private configure(exports: readonly Served[]): boolean {
    const recovery = join(this.options.folder, "recovery");
    mkdirSync(recovery, { recursive: true, mode: 0o700 });
    const text = ganeshaConfig(exports, { recovery, port: this.port });
    if (existsSync(this.config) && readFileSync(this.config, "utf8") === text) return false;
    writeFileSync(`${this.config}.new`, text, { mode: 0o600 });
    renameSync(`${this.config}.new`, this.config);
    return true;
  }

  private async start(): Promise<void> {
    // Where Ganesha puts what it can't be told to put elsewhere.
    mkdirSync("/var/run/ganesha", { recursive: true });
    writeFileSync(this.log, "", { mode: 0o600 });
    const output = openSync(join(this.options.folder, "ganesha.out"), "w", 0o600);
    try {
      const words = ["-F", "-L", this.log, "-f", this.config, "-p", this.pidFile, "-N", "NIV_EVENT"];
      const child = spawn("ganesha.nfsd", words, {
        cwd: "/",
        env: { PATH: this.options.path },
        detached: true,
        stdio: ["ignore", output, output],
      });
      await new Promise<void>((resolve, reject) => {
        child.once("error", reject);
        child.once("spawn", resolve);
      });
      // Named by us as well: between its start and its own writing nobody must start another.
      writeFileSync(this.pidFile, `${child.pid}\n`);
      child.unref();
    } finally {
      closeSync(output);
    }
  }

  private async stop(pid: number): Promise<void> {
    process.kill(pid, "SIGTERM");
    const until = performance.now() + 5_000;
    while (this.pid() === pid && performance.now() < until) await delay(50);
    if (this.pid() === pid) process.kill(pid, "SIGKILL");
  }

  /** `rereadFrom`: until it says, from there on in its log, that it has read its configuration anew. */
  private async answers(rereadFrom: number | undefined): Promise<void> {
    const until = performance.now() + (this.options.startLimitMs ?? 20_000);
    for (;;) {
      const read = rereadFrom === undefined || this.logFrom(rereadFrom).includes("Reread exports complete");
      if (read && (await knock(this.port))) return;
      if (this.pid() === undefined) throw new Error(`NFS-Ganesha ended: ${this.lastWords()}`);
      if (performance.now() > until) throw new Error(`NFS-Ganesha does not answer on port ${this.port}`);
      await delay(50);
    }
  }

  private logFrom(offset: number): string {
    return existsSync(this.log) ? readFileSync(this.log).subarray(offset).toString() : "";
  }

  private lastWords(): string {
    const said = (name: string) => {
      const path = join(this.options.folder, name);
      return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
    };
    const lines = said("ganesha.log");
    // Behind what was fatal it has only the way there.
    const lastOf = (level: RegExp) => lines.findLast((line) => level.test(line));
    const grave = lastOf(/:FATAL :/) ?? lastOf(/:(?:CRIT|MAJ) :/) ?? lines.at(-1) ?? "";
    return (grave.replace(/^.*?\] /, "") || said("ganesha.out").at(-1) || "it said nothing").slice(-500);
  }
}

function knock(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
