import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { isAlive } from "./agent-site.js";
import { FakeCoordinator } from "./coordinator.js";
import { until } from "./until.js";
import { processesOf } from "./watch-site.js";

const program = resolve(import.meta.dirname, "../../dist/stoker-agent.js");

/** The agent's program as it is installed, so that it can be stopped and killed, and a coordinator that answers as the test likes. */
export class AgentProcess {
  readonly dir = mkdtempSync(join(tmpdir(), "stoker-agent-process-"));
  readonly data = join(this.dir, "data");
  readonly coordinator = new FakeCoordinator();
  address = "";
  agent: ChildProcess | undefined;

  static async start(ttlMs: number, ...words: string[]): Promise<AgentProcess> {
    const site = new AgentProcess();
    site.coordinator.ttlMs = ttlMs;
    site.address = await site.coordinator.start();
    await site.run(...words);
    return site;
  }

  async run(...words: string[]): Promise<void> {
    const hellos = this.coordinator.hellos.length;
    const arguments_ = [
      program,
      "--coordinator",
      this.address,
      "--name",
      "n1",
      "--data-dir",
      this.data,
      "--accounts",
      "agent",
      ...words,
    ];
    this.agent = spawn(process.execPath, arguments_, {
      env: { PATH: process.env.PATH, HOME: this.dir, STOKER_TOKEN: "secret", STOKER_TLS: "off" },
      stdio: "ignore",
    });
    await until("a session", () => this.coordinator.hellos.length > hellos, 20_000);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const { agent } = this;
    if (!agent) return;
    agent.kill("SIGCONT");
    agent.kill(signal);
    await until("the agent's end", () => (agent.exitCode ?? agent.signalCode) !== null);
    this.agent = undefined;
  }

  watchdogs(): number[] {
    return processesOf(["watch", "--data", this.data]);
  }

  pidIn(name: string): Promise<number> {
    const file = join(this.dir, name);
    return until(`a number in ${name}`, () => {
      const text = existsSync(file) ? readFileSync(file, "utf8") : "";
      return text.endsWith("\n") && Number(text);
    });
  }

  async stop(...pids: number[]): Promise<void> {
    await this.kill();
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    this.coordinator.stop();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    await until("no watchdog", () => this.watchdogs().length === 0);
  }
}
