import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SetFile } from "../../agent/witness/set-file.js";
import { NodeState } from "../../shared/gen/stoker/v1/node_pb.js";
import { NodeService } from "../../shared/gen/stoker/v1/node_service_pb.js";
import { CoordinatorProcess, inExperiment } from "../fakes/coordinator-process.js";
import { until } from "../fakes/until.js";

/** The built programs, three agents on one machine: what becomes of their ranks when the coordinator dies, and when one of them is cut off. */

const program = resolve(import.meta.dirname, "../../dist/stoker-agent.js");
const ttlMs = 6_000;
const flags = ["--heartbeat-interval-ms", "500", "--lease-ttl-ms", String(ttlMs), "--lease-margin-ms", "1500"];
const patientMs = 60_000;
const testMs = 180_000;

/** A wire that can be cut: what is sent through it then goes nowhere, and no new one is made. */
class Wire {
  private readonly ends = new Set<Socket>();
  private readonly server: Server;
  cut = false;

  constructor(private readonly target: () => string) {
    this.server = createServer((near) => this.join(near));
  }

  async listen(): Promise<string> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    const bound = this.server.address();
    return typeof bound === "object" && bound ? `127.0.0.1:${bound.port}` : "";
  }

  break(): void {
    this.cut = true;
    for (const end of this.ends) end.destroy();
  }

  close(): void {
    this.break();
    this.server.close();
  }

  private join(near: Socket): void {
    const [host = "", port = ""] = this.target().split(":");
    const far = connect(Number(port), host);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.ends.add(one);
      one.on("data", (bytes) => !this.cut && other.write(bytes));
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.ends.delete(one);
        other.destroy();
      });
    }
    if (this.cut) near.destroy();
  }
}

let coordinator: CoordinatorProcess;
let dir: string;
let agents: Map<string, ChildProcess>;
let wires: Wire[];

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "stoker-gone-"));
  agents = new Map();
  wires = [];
  coordinator = new CoordinatorProcess();
  await coordinator.start(flags);
  await coordinator.furnish();
});

afterEach(async () => {
  for (const wire of wires) wire.close();
  for (const agent of agents.values()) {
    agent.kill("SIGKILL");
    await until("the agent's end", () => (agent.exitCode ?? agent.signalCode) !== null);
  }
  await until("nothing of the jobs", () => {
    const left = processes();
    for (const pid of left) end(pid);
    return left.length === 0;
  });
  await coordinator.dispose();
  rmSync(dir, { recursive: true, force: true });
});

/** Ranks, shims and watchdogs of this test: all name its folder. */
const processes = () =>
  readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/cmdline`)) return [];
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(dir) ? [Number(pid)] : [];
    } catch (error) {
      // It went between the two.
      if (error instanceof Error && "code" in error && (error.code === "ESRCH" || error.code === "ENOENT")) return [];
      throw error;
    }
  });

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function startAgent(name: string, ...words: string[]): Promise<Wire> {
  const wire = new Wire(() => coordinator.address);
  wires.push(wire);
  const all = ["--coordinator", await wire.listen(), "--name", name, "--host", "127.0.0.1", "--cpus", "1"];
  const agent = spawn(
    process.execPath,
    [program, ...all, "--data-dir", join(dir, name), "--witness-port", "0", ...words],
    {
      env: { PATH: process.env.PATH, HOME: dir, STOKER_TOKEN: coordinator.token, STOKER_TLS: "off" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  for (const stream of [agent.stdout, agent.stderr]) {
    stream.on("data", (bytes: Buffer) => appendFileSync(join(dir, `${name}.log`), bytes));
  }
  agents.set(name, agent);
  return wire;
}

const nodes = () => coordinator.client(NodeService);
const passed = () => new Promise((resolve) => setTimeout(resolve, 50));
const stateOf = async (name: string) => (await nodes().getNode({ id: `nodes/${name}` })).node?.state;

/** A job that says each tenth of a second that it runs, in a file of its own attempt. */
async function startJob(name: string): Promise<void> {
  const commandLine = `f=$(mktemp ${dir}/${name}.XXXXXX); while :; do echo tick >> $f; sleep 0.1; done`;
  const spec = {
    cluster: { id: "c" },
    nodeCount: 1,
    toolkit: { case: "customToolkitSettings" as const, value: { commandLine } },
  };
  await coordinator.jobs.createJob({ ...inExperiment, name, spec });
  await grown(name, 0);
}

const files = (job: string) => readdirSync(dir).filter((file) => file.startsWith(`${job}.`) && !file.endsWith(".log"));
const ticks = (job: string) =>
  files(job).reduce((sum, file) => sum + readFileSync(join(dir, file), "utf8").split("\n").length - 1, 0);
const grown = (job: string, from: number, by = 10) =>
  until(`${job} goes on from ${from}`, () => ticks(job) >= from + by, patientMs);

/** Leases that were ever frozen: the ledgers keep each state that a lease has had. */
const frozenOnce = () =>
  [...agents.keys()].flatMap((name) => {
    const ledger = join(dir, name, "ledger");
    return readdirSync(ledger).filter((file) => readFileSync(join(ledger, file), "utf8").includes('"frozen":true'));
  }).length;

async function attemptOf(name: string) {
  const { job } = await coordinator.jobs.getJob({ id: `${inExperiment.parent}/jobs/${name}` });
  return job?.attempts.at(-1);
}

/** Until the nodes know whom to ask. */
async function settled(): Promise<void> {
  const told = () => [...agents.keys()].every((name) => witnessesOn(name) === agents.size);
  await until("witnesses on every node", told, patientMs);
}

function witnessesOn(name: string): number {
  const kept = new SetFile(join(dir, name, "witnesses.json")).read((why) => {
    throw new Error(`${name}: ${why}`);
  });
  return kept?.set.members.length ?? 0;
}

/** Ranks tick ten times in a second: they are the clock of this test, so that a slow machine makes it longer and not wrong. */
const leases = (count: number) => grown("j1", ticks("j1"), (ttlMs / 100) * count);

describe("while the coordinator is gone", () => {
  it(
    "ranks run on, for as long as it takes, and the same attempt is there when it returns",
    async () => {
      for (const name of ["n1", "n2", "n3"]) await startAgent(name);
      for (const job of ["j1", "j2", "j3"]) await startJob(job);
      await settled();
      await coordinator.end("SIGKILL");
      await leases(3);
      expect(frozenOnce()).toBe(0);
      await coordinator.start(flags);
      for (const job of ["j1", "j2", "j3"]) {
        await grown(job, ticks(job));
        expect(await attemptOf(job)).toMatchObject({ number: 1, state: "running" });
        expect(files(job)).toHaveLength(1);
      }
      expect(frozenOnce()).toBe(0);
    },
    testMs,
  );

  it(
    "ranks of a node that asks nobody are stopped until it returns, and then go on",
    async () => {
      await startAgent("n1", "--witness-port", "off");
      await startJob("j1");
      await coordinator.end("SIGKILL");
      await until("the rank is stopped", () => frozenOnce() === 1, patientMs);
      await coordinator.start(flags);
      await grown("j1", ticks("j1"));
      expect(await attemptOf("j1")).toMatchObject({ number: 1, state: "running" });
    },
    testMs,
  );
});

describe("a node that alone is cut off", () => {
  it(
    "is told by the others that the coordinator lives, stops its ranks, and the job goes on elsewhere",
    async () => {
      const wire = await startAgent("n1");
      await startJob("j1");
      for (const name of ["n2", "n3"]) await startAgent(name);
      await settled();
      expect(await attemptOf("j1")).toMatchObject({ nodes: [{ name: "n1" }] });
      // Its name is drawn: the next attempt's may come before it.
      const [first = ""] = files("j1");
      wire.break();
      while ((await stateOf("n1")) !== NodeState.LOST) await passed();
      // By then nothing of the first attempt moves.
      const length = readFileSync(join(dir, first)).length;
      await until("the next attempt", () => files("j1").length === 2, patientMs);
      await grown("j1", ticks("j1"));
      expect(readFileSync(join(dir, first)).length).toBe(length);
      expect(await attemptOf("j1")).toMatchObject({ number: 2, state: "running" });
      expect(readFileSync(join(dir, "n1.log"), "utf8")).toContain("asking others");
    },
    testMs,
  );
});
