import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { killAll } from "../../scripts/site/processes.js";
import { LogStream } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { logStreamName } from "../../shared/subjects.js";
import { CoordinatorProcess, inExperiment, tinyJob } from "../fakes/coordinator-process.js";

/** `STOKER_TEST_SEED` repeats a failing order of faults, `STOKER_TEST_FAULTS` makes it longer. */
const seed = Number(process.env.STOKER_TEST_SEED ?? 1);
const faults = Number(process.env.STOKER_TEST_FAULTS ?? 8);
const dist = resolve(import.meta.dirname, "../../dist");
/** A restart that takes long on a busy machine is not what is tried here. */
const patient = ["--lease-ttl-ms", "120000"];

let coordinator: CoordinatorProcess;
let folder: string;
let agent: ChildProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoker-log-chaos-"));
  coordinator = new CoordinatorProcess();
  expect(await coordinator.start(patient)).toBe("ready");
  await coordinator.furnish();
  agent = startAgent();
}, 60_000);
afterEach(async () => {
  agent.kill("SIGKILL");
  await killAll(`${folder}/`);
  await coordinator.dispose();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}, 60_000);

function startAgent(): ChildProcess {
  const flags = ["--config", "/dev/null", "--coordinator", coordinator.address, "--name", "n1", "--host", "127.0.0.1"];
  const token = [
    ...["--tls", "off", "--token-file"],
    join(coordinator.dataDir, "token"),
    "--data-dir",
    join(folder, "agent"),
    "--cpus",
    "4",
  ];
  return spawn(process.execPath, [join(dist, "stoker-agent.js"), ...flags, ...token], { stdio: "ignore" });
}

async function killAgent(): Promise<void> {
  const gone = once(agent, "exit");
  agent.kill("SIGKILL");
  await gone;
  await delay(100);
  agent = startAgent();
}

async function killCoordinator(): Promise<void> {
  await coordinator.end("SIGKILL");
  await delay(100);
  expect(await coordinator.start(patient)).toBe("ready");
}

/** Undefined between the death of one and the start of the next. */
function nats(signal: NodeJS.Signals): void {
  const pid = Number(readFileSync(join(coordinator.dataDir, "nats/nats.pid"), "utf8"));
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function stopNatsForAWhile(): Promise<void> {
  nats("SIGSTOP");
  await delay(1_500);
  nats("SIGCONT");
}

/** A tenth of its speed. */
async function throttleNats(): Promise<void> {
  for (let i = 0; i < 25; i += 1) {
    nats("SIGSTOP");
    await delay(90);
    nats("SIGCONT");
    await delay(10);
  }
}

async function wipeNats(): Promise<void> {
  rmSync(join(coordinator.dataDir, "nats/store"), { recursive: true, force: true, maxRetries: 3 });
  await delay(200);
  nats("SIGKILL");
}

async function deleteStream(): Promise<void> {
  const port = readFileSync(join(coordinator.dataDir, "nats/port"), "utf8").trim();
  const token = readFileSync(join(coordinator.dataDir, "nats/token"), "utf8").trim();
  const connection = await connect({ servers: `nats://127.0.0.1:${port}`, token, waitOnFirstConnect: true });
  const manager = await jetstreamManager(connection);
  // Another fault may have taken it just before.
  await manager.streams.delete(logStreamName).catch(() => false);
  await connection.close();
}

const kinds = [
  killAgent,
  killCoordinator,
  async () => nats("SIGKILL"),
  stopNatsForAWhile,
  throttleNats,
  wipeNats,
  deleteStream,
];

/** mulberry32 */
function random(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const sum = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const lines = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join("");

const rounds = 30;
const perRound = 20_000;
const counted = `for k in $(seq 0 ${rounds - 1}); do seq $((k*${perRound}+1)) $(((k+1)*${perRound})); sleep 0.4; done`;
const binaryPython =
  "import os,time\nfor i in range(40): os.write(1, bytes((i + j) % 256 for j in range(256)) * 4096); time.sleep(0.3)";
const binary = Buffer.concat(
  Array.from({ length: 40 }, (_, i) =>
    Buffer.alloc(256 * 4096, Buffer.from(Array.from({ length: 256 }, (__, j) => (i + j) % 256))),
  ),
);

it(`no byte of a log is lost, doubled or moved, whatever is killed, stopped or wiped (seed ${seed})`, async () => {
  const write = async (name: string, commandLine: string) => {
    const { job } = await coordinator.jobs.createJob({ ...inExperiment, name, spec: tinyJob(commandLine) });
    return job?.id ?? "";
  };
  const ids = [await write("counted", counted), await write("binary", `python3 -c '${binaryPython}'`)];
  const follower = spawn(
    process.execPath,
    [join(dist, "stoker.js"), "job", "logs", "-f", "-n", "counted", "-w", "w", "-e", "e"],
    {
      env: {
        ...process.env,
        STOKER_COORDINATOR: coordinator.address,
        STOKER_TOKEN_FILE: join(coordinator.dataDir, "token"),
        STOKER_TLS: "off",
      },
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const followed: Buffer[] = [];
  follower.stdout.on("data", (bytes: Buffer) => followed.push(bytes));
  const followerEnds = once(follower, "close");
  // A command that begins while there is no coordinator ends at once, and should.
  await vi.waitFor(() => expect(followed.length).toBeGreaterThan(0), 30_000);
  const next = random(seed);
  const done: string[] = [];
  for (let i = 0; i < faults; i += 1) {
    await delay(300 + next() * 1_200);
    const fault = kinds[Math.floor(next() * kinds.length)];
    done.push(fault?.name ?? "");
    await fault?.();
  }
  const wanted = [Buffer.from(lines(rounds * perRound)), binary];
  for (const [at, id] of ids.entries()) {
    await vi.waitFor(
      async () => {
        const { job } = await coordinator.jobs.getJob({ id });
        expect(
          job?.attempts.map(({ state, logs }) => [state, logs?.complete]),
          done.join(", "),
        ).toEqual([["succeeded", true]]);
      },
      { timeout: 150_000, interval: 300 },
    );
    const parts: Uint8Array[] = [];
    for await (const part of coordinator.jobs.streamLogs({ id, stream: LogStream.STDOUT })) parts.push(part.data);
    const stored = Buffer.concat(parts);
    expect([stored.length, sum(stored)], done.join(", ")).toEqual([
      wanted[at]?.length,
      sum(wanted[at] ?? Buffer.alloc(0)),
    ]);
  }
  await followerEnds;
  const seen = Buffer.concat(followed);
  expect([seen.length, sum(seen)], done.join(", ")).toEqual([wanted[0]?.length, sum(wanted[0] ?? Buffer.alloc(0))]);
}, 300_000);
