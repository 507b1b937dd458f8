import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LogIngest, type LogOwners } from "../../coordinator/logs/ingest.js";
import { LogStore } from "../../coordinator/logs/store.js";
import { connectBus } from "../../coordinator/nats/bus.js";
import { NatsChild } from "../../coordinator/nats/child.js";
import { logStreamName, logSubject, offsetHeader } from "../../shared/subjects.js";
import { Random } from "../lab/chaos/random.js";

const log = pino({ level: process.env.LOG_LEVEL ?? "silent" });
const job = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
const lease = `${job}.1`;

let dir: string;
let nats: NatsChild;
let agent: NatsConnection;
let coordinator: NatsConnection;
let store: LogStore;
let stored: string[];
let verdict: ReturnType<LogOwners["judge"]>;
let ingest: LogIngest;

const owners: LogOwners = {
  judge: () => verdict,
  stored: ({ rank, stream }, node, offset) => stored.push(`${node} ${rank} ${stream} ${offset}`),
};

async function openIngest(): Promise<void> {
  coordinator = await connectBus({ url: `nats://127.0.0.1:${nats.port}`, access: { kind: "token", token: "t" }, log });
  store = new LogStore(join(dir, "logs"));
  ingest = new LogIngest(coordinator, store, owners, { low: undefined }, log);
  ingest.start();
}

async function closeIngest(): Promise<void> {
  await ingest.stop();
  await coordinator.close();
  store.close();
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "stoker-ingest-"));
  nats = await NatsChild.start({
    program: "nats-server",
    dir: join(dir, "nats"),
    host: "127.0.0.1",
    port: 0,
    access: { kind: "token", token: "t" },
    log,
  });
  agent = await connectBus({ url: `nats://127.0.0.1:${nats.port}`, access: { kind: "token", token: "t" }, log });
  stored = [];
  verdict = "wanted";
  await openIngest();
  await vi.waitFor(async () => (await jetstreamManager(agent)).consumers.info(logStreamName, "coordinator"), 10_000);
});
afterEach(async () => {
  await closeIngest();
  await agent.close();
  await nats.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function publish(offset: number | string, text: string, rank = 0): Promise<void> {
  const header = headers();
  header.set(offsetHeader, String(offset));
  agent.publish(logSubject("n1", lease, rank, "stdout"), text, { headers: header });
  await agent.flush();
}
const path = (rank = 0) => join(dir, "logs", job, "1", `${rank}.stdout`);
const heard = (line: string) => vi.waitFor(() => expect(stored).toContain(line), { timeout: 10_000 });
const unacked = async () => (await (await jetstreamManager(agent)).streams.info(logStreamName)).state.messages;

describe("LogIngest", () => {
  it("stores bytes, tells the node, and leaves nothing in the stream", async () => {
    await publish(0, "hello ");
    await publish(6, "world");
    await heard("n1 0 stdout 11");
    expect(readFileSync(path(), "utf8")).toBe("hello world");
    await vi.waitFor(async () => expect(await unacked()).toBe(0), { timeout: 10_000 });
  });

  it("has a stream that an earlier release made answer nobody, and leaves its limits", async () => {
    await closeIngest();
    const { streams } = await jetstreamManager(agent);
    await streams.update(logStreamName, { no_ack: false, max_bytes: 64 * 1024 ** 2 });
    await openIngest();
    await vi.waitFor(
      async () => {
        const { config } = await streams.info(logStreamName);
        expect(config).toMatchObject({ no_ack: true, max_bytes: 64 * 1024 ** 2 });
      },
      { timeout: 10_000 },
    );
  });

  it("tells after a gap from where to go on, and takes the bytes then", async () => {
    await publish(0, "ab");
    await publish(4, "ef");
    await heard("n1 0 stdout 2");
    await publish(0, "ab");
    await publish(2, "cdef");
    await heard("n1 0 stdout 6");
    expect(readFileSync(path(), "utf8")).toBe("abcdef");
  });

  it("takes long messages among short ones without a pause", async () => {
    const random = new Random(1);
    let offset = 0;
    for (let burst = 0; burst < 700; burst++) {
      for (let left = random.whole(0, 5); left > 0; left--) {
        const length = random.whole(1, random.next() < 0.05 ? 20_000 : 250);
        const header = headers();
        header.set(offsetHeader, String(offset));
        agent.publish(logSubject("n1", lease, 0, "stdout"), "b".repeat(length), { headers: header });
        offset += length;
      }
      // Each comes when the store has nothing else to do.
      await agent.flush();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await heard(`n1 0 stdout ${offset}`);
  });

  it("goes on after a restart with what came meanwhile, duplicates and all", async () => {
    await publish(0, "one\n");
    await heard("n1 0 stdout 4");
    await closeIngest();
    await publish(4, "two\n");
    await publish(0, "one\n");
    stored = [];
    await openIngest();
    await heard("n1 0 stdout 8");
    expect(readFileSync(path(), "utf8")).toBe("one\ntwo\n");
  });

  it("stops at once, even while it is still starting", async () => {
    await closeIngest();
    await openIngest();
    const started = performance.now();
    await ingest.stop();
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("survives the death of NATS", async () => {
    await publish(0, "one\n");
    await heard("n1 0 stdout 4");
    process.kill(nats.pid ?? 0, "SIGKILL");
    // Nobody answers what comes before the stream is there again: as a node does, it is said until it is stored.
    await vi.waitFor(
      async () => {
        await publish(4, "two\n");
        expect(stored).toContain("n1 0 stdout 8");
      },
      { timeout: 20_000, interval: 200 },
    );
    expect(readFileSync(path(), "utf8")).toBe("one\ntwo\n");
  });

  it("believes no nonsense, and lets a node drop what belongs to no job any more", async () => {
    await publish("-5", "x");
    await publish("", "x");
    verdict = "refused";
    await publish(0, "not yours");
    await vi.waitFor(async () => expect(await unacked()).toBe(0), { timeout: 10_000 });
    expect(stored).toEqual([]);
    verdict = "deleted";
    await publish(0, "of the past");
    await heard("n1 0 stdout 11");
    await vi.waitFor(async () => expect(await unacked()).toBe(0), { timeout: 10_000 });
    expect(store.length({ jobUuid: job, attempt: 1, rank: 0, stream: "stdout" })).toBe(0);
  });
});
