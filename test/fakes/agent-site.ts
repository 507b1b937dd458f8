import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { Agent } from "../../agent/agent.js";
import type { AgentParts } from "../../agent/agent-parts.js";
import { ByToken } from "../../agent/identity/membership.js";
import { InventorySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { fakeParts } from "./agent-parts.js";
import { FakeCoordinator } from "./coordinator.js";
import { until } from "./until.js";

const shimPath = resolve(import.meta.dirname, "../../dist/stoker-shim");

/** An agent with real processes, ledger and session, in this process; what is beside those is fake, and so is its coordinator. */
export class AgentSite {
  private constructor(
    readonly dir: string,
    readonly coordinator: FakeCoordinator,
    readonly address: string,
    public agent: Agent,
    private readonly diskReserve: number | undefined,
    private readonly parts: Partial<AgentParts>,
  ) {}

  /** With a folder of the caller's, which stays. */
  static async start(
    given?: { dir: string; diskReserve: number },
    partsFor: (dir: string) => Promise<Partial<AgentParts>> = async () => ({}),
  ): Promise<AgentSite> {
    const dir = given?.dir ?? mkdtempSync(join(tmpdir(), "stoker-agent-"));
    const coordinator = new FakeCoordinator();
    const address = await coordinator.start();
    const diskReserve = given?.diskReserve;
    const parts = await partsFor(dir);
    const agent = makeAgent(dir, address, diskReserve, parts);
    const site = new AgentSite(dir, coordinator, address, agent, diskReserve, parts);
    await site.agent.start();
    await until("a session", () => coordinator.connected);
    return site;
  }

  /** Another agent with the same data, after this one has stopped. */
  async startAgain(): Promise<void> {
    const hellos = this.coordinator.hellos.length;
    this.agent = makeAgent(this.dir, this.address, this.diskReserve, this.parts);
    await this.agent.start();
    await until("the new agent's session", () => this.coordinator.hellos.length > hellos);
  }

  async stop(): Promise<void> {
    await this.agent.stop();
    this.coordinator.stop();
    unmountBelow(this.dir);
    if (this.diskReserve === undefined) rmSync(this.dir, { recursive: true, force: true });
  }

  async restartCoordinator(): Promise<void> {
    await this.coordinator.start(Number(this.address.split(":")[1]));
  }

  /** What the agent has reported, when `end` is among it. */
  story(lease: string, end: string): Promise<string[]> {
    return until(`${end} of ${lease} (${this.coordinator.story(lease).join(", ")})`, () => {
      const all = this.coordinator.story(lease);
      return all.includes(end) && all;
    });
  }

  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  /** Writes its number to the file `mark`, and stays. */
  sleeper(mark: string) {
    return { rank: 0, commandLine: `echo $$ > ${this.path(mark)}; exec sleep 600` };
  }

  /** The same, and SIGTERM is nothing to it. */
  stubborn(mark: string) {
    return { rank: 0, commandLine: `trap '' TERM; echo $$ > ${this.path(mark)}; while :; do sleep 0.05; done` };
  }

  pidOf(mark: string): Promise<number> {
    return until(`a number in ${mark}`, () => {
      const text = existsSync(this.path(mark)) ? readFileSync(this.path(mark), "utf8") : "";
      return text.endsWith("\n") && Number(text);
    });
  }
}

/** The user namespaces of leases that nobody has ended; those of others may be going at this moment. */
function unmountBelow(dir: string): void {
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
    const [, path = ""] = line.split(" ");
    if (path.startsWith(`${dir}/`)) spawnSync("umount", ["-l", path]);
  }
}

function makeAgent(
  dataDir: string,
  coordinator: string,
  diskReserve: number | undefined,
  parts: Partial<AgentParts>,
): Agent {
  return new Agent(
    {
      coordinator,
      name: "n1",
      host: "127.0.0.1",
      dataDir,
      shimPath,
      rshPath: shimPath,
      membership: new ByToken(() => "secret"),
      freezer: { groups: undefined, name: "SIGSTOP", why: "a test" },
      diskReserve,
      inventory: create(InventorySchema, { cpus: 2 }),
      baseEnvironment: { PATH: "/usr/bin:/bin", HOME: dataDir },
    },
    fakeParts(parts),
    pino({ level: process.env.LOG_LEVEL ?? "silent" }),
  );
}

/** As in `ps`; undefined when it is gone. */
export function stateOf(pid: number): string | undefined {
  if (!existsSync(`/proc/${pid}`)) return undefined;
  try {
    return /\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
  } catch (error) {
    // It went between the two.
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return undefined;
    throw error;
  }
}

export const isAlive = (pid: number) => !["Z", "X", undefined].includes(stateOf(pid));
