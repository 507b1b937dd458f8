import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { Fault } from "../../shared/fault.js";
import type { NatsAccess, NatsNode } from "./access.js";
import { configFile, logFile, type NatsConfig, natsConfigText } from "./config-file.js";
import { endLeftover } from "./leftover.js";
import { freePort, rememberedPort, rememberPort } from "./port.js";

export interface NatsChildOptions {
  program: string;
  dir: string;
  host: string;
  /** 0: the one used last, or any that is free. */
  port: number;
  access: NatsAccess;
  log: Logger;
}

const startDeadlineMs = 15_000;
const backoffMaxMs = 5_000;
/** A child that lived this long was healthy: the next restart is quick again. */
const healthyAfterMs = 30_000;

/**
 * Our own nats-server: started, watched, and started again on the same port when it dies.
 *
 *   starting ──listens──▶ up ──exit──▶ waiting ──backoff──▶ starting
 *       └────────── stop() from anywhere ──────────▶ stopped
 */
export class NatsChild implements AsyncDisposable {
  readonly port: number;
  private child: ChildProcess | undefined;
  private stopping = false;
  private nodes: readonly NatsNode[] = [];
  private failures = 0;
  private watching: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: NatsChildOptions,
    port: number,
  ) {
    this.port = port;
  }

  /** Resolves when it listens. A Fault says in one line what the operator must mend. */
  static async start(options: NatsChildOptions): Promise<NatsChild> {
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    if (await endLeftover(options.dir))
      options.log.info("ended the nats-server that an earlier coordinator left behind");
    const portFile = `${options.dir}/port`;
    const preferred = options.port || rememberedPort(portFile);
    for (let attempt = 0; ; attempt++) {
      const port = attempt === 0 && preferred ? preferred : await freePort(options.host);
      const nats = new NatsChild(options, port);
      const problem = await nats.launch();
      if (problem === undefined) {
        rememberPort(portFile, port);
        nats.watching = nats.watch();
        return nats;
      }
      if (options.port !== 0 || attempt >= 3 || !/in use/.test(problem)) {
        throw new Fault("failed-precondition", `nats-server does not start: ${problem}`);
      }
    }
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await endChild(this.child);
    await this.watching;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** These nodes may publish from now on, and no others; who stays keeps the connection. Also takes a new certificate. */
  admit(nodes: readonly NatsNode[]): void {
    this.nodes = nodes;
    this.writeConfig();
    this.child?.kill("SIGHUP");
  }

  private writeConfig(): void {
    const { dir, host, access } = this.options;
    const config: NatsConfig = { dir, host, access, nodes: this.nodes, port: this.port };
    writeFileSync(configFile(dir), natsConfigText(config), { mode: 0o600 });
  }

  /** Undefined once it listens; else why it does not. */
  private async launch(): Promise<string | undefined> {
    const { dir, program } = this.options;
    this.writeConfig();
    const logStart = existsSync(logFile(dir)) ? readFileSync(logFile(dir)).length : 0;
    const child = spawn(program, ["-c", configFile(dir)], { stdio: "ignore" });
    this.child = child;
    let problem: string | undefined;
    child.once("error", (error) => {
      problem = "code" in error && error.code === "ENOENT" ? missing(program) : error.message;
    });
    child.once("exit", (code, signal) => {
      problem ??= lastWords(dir, logStart) ?? `it ended with ${signal ?? `exit code ${code}`}`;
    });
    const started = performance.now();
    while (problem === undefined && !(await listens(this.options.host, this.port))) {
      if (performance.now() - started > startDeadlineMs) {
        await endChild(child);
        return `nothing answered on port ${this.port} for ${startDeadlineMs / 1000} s`;
      }
      await sleep(10);
    }
    // Something else may listen there: ours then ends at once.
    if (problem === undefined && child.exitCode !== null) return lastWords(dir, logStart) ?? "it ended";
    return problem;
  }

  private async watch(): Promise<void> {
    while (!this.stopping) {
      const since = performance.now();
      const child = this.child;
      if (child && child.exitCode === null && child.signalCode === null) await once(child, "exit");
      if (this.stopping) return;
      this.failures = performance.now() - since > healthyAfterMs ? 1 : this.failures + 1;
      const waitMs = Math.min(backoffMaxMs, 50 * 2 ** this.failures);
      this.options.log.error(
        { code: child?.exitCode, signal: child?.signalCode, waitMs },
        "nats-server ended; starting it again",
      );
      await sleep(waitMs, undefined, { ref: false });
      if (this.stopping) return;
      const problem = await this.launch();
      if (problem === undefined) this.options.log.info({ port: this.port }, "nats-server runs again");
      else this.options.log.error({ problem }, "nats-server does not start");
    }
  }
}

const missing = (program: string) =>
  `there is no program "${program}": install it (apt-get install nats-server), or name it by --nats-server, or use a running one by --nats-url`;

function lastWords(dir: string, from: number): string | undefined {
  if (!existsSync(logFile(dir))) return undefined;
  const lines = readFileSync(logFile(dir)).subarray(from).toString().trim().split("\n");
  return lines.findLast((line) => /\[(FTL|ERR)\]/.test(line))?.replace(/^.*\[(FTL|ERR)\]\s*/, "");
}

async function endChild(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exited;
  clearTimeout(kill);
}

function listens(host: string, port: number): Promise<boolean> {
  const target = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return new Promise((resolve) => {
    const socket = dial({ host: target, port });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("error", () => done(false));
    // NATS greets with INFO: another program on the port does not.
    socket.once("data", (bytes) => done(bytes.toString("latin1").startsWith("INFO ")));
    socket.setTimeout(1_000, () => done(false));
  });
}
