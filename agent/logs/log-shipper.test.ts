import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import { LogStream } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { jobId, type LeaseId, leaseId } from "../../shared/ids.js";
import { logSubjects, offsetHeader, parseLogSubject } from "../../shared/subjects.js";
import { LogShipper } from "./log-shipper.js";

const lease = leaseId(jobId("5b0c6f9e-9c43-4c8a-8b2c-3c7de8a0c111"), 1);
const token = "a-token";

/** A real nats-server, on a port that stays the same when it is started again. */
async function natsServer() {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const stop = async () => {
    const ended = child && new Promise((resolve) => child?.once("exit", resolve));
    child?.kill("SIGKILL");
    await ended;
    child = undefined;
  };
  const start = () => {
    child = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port), "--auth", token], { stdio: "ignore" });
  };
  start();
  onTestFinished(stop);
  return { url: `nats://127.0.0.1:${port}`, start, stop };
}

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });

/** Stands for the coordinator's log store: extends what is contiguous, then says how far it has come. */
class Store {
  readonly streams = new Map<string, Buffer>();
  messages = 0;
  largest = 0;
  answer = true;
  /** Counts the bytes and forgets them. */
  counting = false;
  readonly counted = new Map<string, number>();
  losing = false;
  private constructor(
    readonly connection: NatsConnection,
    private readonly answered: (stream: LogStream, rank: number, offset: number) => void,
  ) {}

  static async open(url: string, answered: (stream: LogStream, rank: number, offset: number) => void): Promise<Store> {
    const connection = await vi.waitFor(
      () => connect({ servers: url, token, maxReconnectAttempts: -1, reconnectTimeWait: 50 }),
      10_000,
    );
    onTestFinished(() => connection.close());
    const store = new Store(connection, answered);
    connection.subscribe(logSubjects, {
      callback: (_error, message) => {
        const address = parseLogSubject(message.subject);
        if (!address) throw new Error(`not a log subject: ${message.subject}`);
        store.take(address.stream, address.rank, Number(message.headers?.get(offsetHeader)), Buffer.from(message.data));
      },
    });
    await connection.flush();
    return store;
  }

  text(key: string): string {
    return (this.streams.get(key) ?? Buffer.alloc(0)).toString();
  }

  private take(stream: "stdout" | "stderr", rank: number, offset: number, data: Buffer): void {
    this.messages++;
    if (this.losing) return;
    this.largest = Math.max(this.largest, data.length);
    const key = `${rank}.${stream}`;
    if (this.counting) {
      const before = this.counted.get(key) ?? 0;
      const length = offset <= before ? Math.max(before, offset + data.length) : before;
      this.counted.set(key, length);
      this.answered(stream === "stdout" ? LogStream.STDOUT : LogStream.STDERR, rank, length);
      return;
    }
    const have = this.streams.get(key) ?? Buffer.alloc(0);
    const fresh = data.subarray(have.length - offset);
    if (offset <= have.length && fresh.length > 0) this.streams.set(key, Buffer.concat([have, fresh]));
    if (this.answer) {
      this.answered(
        stream === "stdout" ? LogStream.STDOUT : LogStream.STDERR,
        rank,
        this.streams.get(key)?.length ?? 0,
      );
    }
  }
}

async function shipping(options: { connected?: boolean } = {}) {
  const root = mkdtempSync(join(tmpdir(), "logs-"));
  const dir = join(root, "rank");
  mkdirSync(dir);
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const nats = await natsServer();
  const completed: LeaseId[] = [];
  const released: Array<{ path: string; from: number; to: number }> = [];
  const shipper = new LogShipper(
    {
      nodeName: "node.a",
      needless: () => Number.POSITIVE_INFINITY,
      release: (path, from, to) => released.push({ path, from, to }),
      onComplete: (done) => completed.push(done),
    },
    pino({ level: "silent" }),
  );
  onTestFinished(() => shipper.close());
  const store = await Store.open(nats.url, (stream, rank, offset) => shipper.stored(lease, rank, stream, offset));
  if (options.connected !== false) shipper.connect(nats.url, token);
  return { dir, nats, shipper, store, completed, released };
}

test("a line arrives while its process goes on, and the spool may go when all is stored", async () => {
  const { dir, shipper, store, completed } = await shipping();
  shipper.follow(lease, 0, dir);
  writeFileSync(join(dir, "stdout"), "one\n");
  await vi.waitFor(() => expect(store.text("0.stdout")).toBe("one\n"), 5_000);
  appendFileSync(join(dir, "stdout"), "two\n");
  appendFileSync(join(dir, "stderr"), "oh\n");
  await vi.waitFor(() => expect(store.text("0.stdout") + store.text("0.stderr")).toBe("one\ntwo\noh\n"), 5_000);
  expect(shipper.complete(lease)).toBe(false);
  shipper.ended(lease, 0, 8, 3);
  await vi.waitFor(() => expect(completed).toEqual([lease]), 5_000);
  expect(shipper.complete(lease)).toBe(true);
});

test("lines arrive within a few milliseconds", async () => {
  const { dir, shipper, store } = await shipping();
  shipper.follow(lease, 0, dir);
  writeFileSync(join(dir, "stdout"), "");
  appendFileSync(join(dir, "stdout"), "warm\n");
  await vi.waitFor(() => expect(store.text("0.stdout")).toBe("warm\n"), 5_000);
  const latencies: number[] = [];
  for (let i = 0; i < 40; i++) {
    const before = performance.now();
    const wanted = store.text("0.stdout").length + 5;
    appendFileSync(join(dir, "stdout"), "line\n");
    await vi.waitFor(() => expect(store.text("0.stdout").length).toBe(wanted), { timeout: 5_000, interval: 1 });
    latencies.push(performance.now() - before);
  }
  latencies.sort((a, b) => a - b);
  // Targets are 10 and 100 for the whole way; wide margins, because other tests share the machine.
  expect(latencies[20]).toBeLessThan(50);
});

test("an empty stream costs no message", async () => {
  const { dir, shipper, store, completed } = await shipping();
  shipper.follow(lease, 0, dir);
  shipper.ended(lease, 0, 0, 0);
  expect(completed).toEqual([lease]);
  await store.connection.flush();
  expect(store.messages).toBe(0);
});

test("megabytes go in large pieces, arrive whole, and are punched out of the spool once stored", async () => {
  const { dir, shipper, store, completed, released } = await shipping();
  const text = Buffer.alloc(29_000_000, "0123456789abcdef\n");
  writeFileSync(join(dir, "stdout"), text);
  shipper.follow(lease, 3, dir);
  shipper.ended(lease, 3, text.length, 0);
  await vi.waitFor(() => expect(completed).toEqual([lease]), 60_000);
  expect(store.streams.get("3.stdout")?.equals(text)).toBe(true);
  expect(store.largest).toBe(256 * 1024);
  expect(store.messages).toBeLessThan(300);
  expect(released[0]).toMatchObject({ path: join(dir, "stdout"), from: 0 });
  const punched = released.reduce((end, { from, to }) => (from === end ? to : Number.NaN), 0);
  expect(punched).toBeGreaterThanOrEqual(8 * 1024 * 1024);
  expect(punched).toBeLessThanOrEqual(text.length);
  expect(Number(readFileSync(join(dir, "stdout.punched"), "utf8"))).toBe(punched);
}, 90_000);

test("many small writes are gathered", async () => {
  const { dir, shipper, store, completed } = await shipping();
  shipper.follow(lease, 0, dir);
  const writer = spawn("sh", [
    "-c",
    `i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done > ${join(dir, "stdout")}`,
  ]);
  await new Promise((resolve) => writer.once("exit", resolve));
  const expected = Array.from({ length: 3000 }, (_, i) => `${i}\n`).join("");
  shipper.ended(lease, 0, expected.length, 0);
  await vi.waitFor(() => expect(completed).toEqual([lease]), 10_000);
  expect(store.text("0.stdout")).toBe(expected);
  expect(store.messages).toBeLessThan(300);
});

test("nothing is lost over an outage of NATS, and a process goes on writing meanwhile", async () => {
  const { dir, nats, shipper, store, completed } = await shipping();
  shipper.follow(lease, 0, dir);
  appendFileSync(join(dir, "stdout"), "before\n");
  await vi.waitFor(() => expect(store.text("0.stdout")).toBe("before\n"), 5_000);
  await nats.stop();
  appendFileSync(join(dir, "stdout"), "while it was gone\n");
  shipper.ended(lease, 0, 25, 0);
  nats.start();
  await vi.waitFor(() => expect(completed).toEqual([lease]), 20_000);
  expect(store.text("0.stdout")).toBe("before\nwhile it was gone\n");
});

test("what was sent and never stored is sent again", async () => {
  const { dir, shipper, store, completed } = await shipping();
  store.losing = true;
  writeFileSync(join(dir, "stdout"), "lost at first\n");
  shipper.follow(lease, 0, dir);
  shipper.ended(lease, 0, 14, 0);
  await vi.waitFor(() => expect(store.messages).toBe(1), 5_000);
  expect(completed).toEqual([]);
  store.losing = false;
  await vi.waitFor(() => expect(completed).toEqual([lease]), 15_000);
  expect(store.text("0.stdout")).toBe("lost at first\n");
});

test("a coordinator that stores nothing does not make the agent send for ever", async () => {
  const { dir, shipper, store } = await shipping();
  store.answer = false;
  writeFileSync(join(dir, "stdout"), Buffer.alloc(5_000_000, "x"));
  shipper.follow(lease, 0, dir);
  await vi.waitFor(() => expect(store.streams.get("0.stdout")?.length).toBe(128 * 1024), 5_000);
  await store.connection.flush();
  expect(store.messages).toBe(1);
});

test("a Welcome with another address moves the logs there", async () => {
  const { dir, shipper, nats, completed } = await shipping({ connected: false });
  shipper.connect("nats://127.0.0.1:1", "");
  writeFileSync(join(dir, "stdout"), "late\n");
  shipper.follow(lease, 0, dir);
  shipper.ended(lease, 0, 5, 0);
  shipper.connect(nats.url, token);
  await vi.waitFor(() => expect(completed).toEqual([lease]), 15_000);
});

test("what can't be sent is told, with the reason and since when", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { dir, shipper } = await shipping({ connected: false });
  shipper.connect("nats://127.0.0.1:1", "");
  writeFileSync(join(dir, "stdout"), "waits\n");
  shipper.follow(lease, 0, dir);
  expect(shipper.waiting()).toBeUndefined();
  const before = Date.now();
  vi.advanceTimersByTime(12_000);
  await vi.waitFor(
    () => expect(shipper.waiting()?.reason).toContain("NATS at nats://127.0.0.1:1 can't be reached"),
    5_000,
  );
  expect(shipper.waiting()).toMatchObject({ bytes: 6, since: before + 1_000 });
});

test("a spool whose bytes were stored and punched is no source of zeros", async () => {
  const { dir, shipper, store, completed } = await shipping();
  // As an earlier agent left it; its coordinator has lost everything since.
  const text = Buffer.concat([Buffer.alloc(1_000_000), Buffer.from("the rest\n")]);
  writeFileSync(join(dir, "stdout"), text);
  writeFileSync(join(dir, "stdout.punched"), "1000000");
  shipper.follow(lease, 0, dir);
  shipper.ended(lease, 0, text.length, 0);
  await vi.waitFor(() => expect(completed).toEqual([lease]), 15_000);
  const stored = store.text("0.stdout");
  expect(stored).not.toContain("\0");
  expect(stored).toMatch(
    /\[stoker: \d+ bytes lost: they were stored, and the coordinator has lost them\]\nthe rest\n$/,
  );
  expect(stored.length).toBe(text.length);
});

test("a flood of one rank holds up neither another's lines nor the heartbeats", async () => {
  const { dir, shipper, store, completed } = await shipping();
  store.counting = true;
  const flood = 400 * 1024 * 1024;
  mkdirSync(join(dir, "flood"));
  mkdirSync(join(dir, "quiet"));
  writeFileSync(join(dir, "flood", "stdout"), "");
  truncateSync(join(dir, "flood", "stdout"), flood);
  writeFileSync(join(dir, "quiet", "stdout"), "");
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();
  shipper.follow(lease, 0, join(dir, "flood"));
  shipper.follow(lease, 1, join(dir, "quiet"));
  let [lines, duringFlood] = [0, 0];
  while ((store.counted.get("0.stdout") ?? 0) < flood) {
    appendFileSync(join(dir, "quiet", "stdout"), "line\n");
    lines++;
    await vi.waitFor(() => expect(store.counted.get("1.stdout")).toBe(5 * lines), { timeout: 20_000, interval: 5 });
    if ((store.counted.get("0.stdout") ?? 0) < flood) duringFlood++;
  }
  loop.disable();
  expect(duringFlood).toBeGreaterThan(2);
  // Heartbeats are due every 2 s, leases last 12 s.
  expect(loop.max / 1e6).toBeLessThan(2_000);
  shipper.ended(lease, 0, flood, 0);
  shipper.ended(lease, 1, 5 * lines, 0);
  await vi.waitFor(() => expect(completed).toEqual([lease]), 20_000);
}, 120_000);
