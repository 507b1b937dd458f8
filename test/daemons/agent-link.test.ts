import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Link, type LinkHost, type Received } from "../../agent/link/link.js";
import { bearer, plain } from "../../shared/credentials.js";
import type { Welcome } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { HelloSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { FakeCoordinator } from "../fakes/coordinator.js";
import { until } from "../fakes/until.js";

/** The session to the coordinator, over real connections. */
let coordinator: FakeCoordinator;
let address: string;
let link: Link | undefined;
let proxy: Wire | undefined;
let token: string;
let lines: Array<{ level: number; msg: string }>;
let welcomes: Array<{ welcome: Welcome; sentAt: number }>;
let received: Received[];

beforeEach(async () => {
  token = "secret";
  lines = [];
  welcomes = [];
  received = [];
  coordinator = new FakeCoordinator();
  coordinator.intervalMs = 100;
  address = await coordinator.start();
});

afterEach(async () => {
  await link?.stop();
  coordinator.stop();
  proxy?.close();
  link = proxy = undefined;
});

function start(to = address): void {
  const log = pino({ level: "debug" }, { write: (line) => void lines.push(JSON.parse(line)) });
  const host: LinkHost = {
    credential: () => plain(bearer(token)),
    hello: () => create(HelloSchema, { nodeName: "n1", leases: [{ leaseId: "held" }] }),
    heartbeat: () => ({}),
    monotonic: () => performance.now(),
    welcomed: (welcome, sentAt) => void welcomes.push({ welcome, sentAt }),
    heartbeatSent: () => {},
    heartbeatAnswered: () => {},
    received: (message) => void received.push(message),
  };
  link = new Link(to, host, log);
  link.start();
}

const said = (words: string) => () => lines.some(({ msg }) => msg.includes(words));

it("says Hello, then heartbeats that count from 1", async () => {
  start();
  await until(
    "three heartbeats",
    () => coordinator.messages.filter(({ case: kind }) => kind === "heartbeat").length >= 3,
  );
  expect(coordinator.hellos[0]?.leases[0]?.leaseId).toBe("held");
  const sequences = coordinator.messages.flatMap((message) =>
    message.case === "heartbeat" ? [Number(message.value.sequence)] : [],
  );
  expect(sequences.slice(0, 3)).toEqual([1, 2, 3]);
});

it("comes back when the coordinator does", async () => {
  start();
  await until("a session", () => coordinator.connected);
  coordinator.stop();
  await until("the loss", said("trying again"));
  await coordinator.start(Number(address.split(":")[1]));
  await until("a second Hello", () => coordinator.hellos.length === 2);
  await until("a second Welcome", () => welcomes.length === 2);
});

it("waits for a coordinator that is not there yet", async () => {
  coordinator.stop();
  start();
  await until("a failed attempt", said("trying again"));
  await coordinator.start(Number(address.split(":")[1]));
  await until("a session", () => coordinator.connected);
});

it("says clearly that its token is wrong", async () => {
  token = "wrong";
  start();
  await until("the refusal", said("the coordinator refuses this agent: the token is not this coordinator's"));
  expect(lines.filter(({ level }) => level >= 50)).toHaveLength(1);
});

it("leaves a connection on which nothing comes back", async () => {
  proxy = new Wire();
  start(await proxy.start(address));
  await until("a session", () => coordinator.connected);
  proxy.swallow();
  await until("the silence to be noticed", said("no session"));
  await until("a session over a new connection", () => coordinator.hellos.length === 2);
});

it("refuses a Welcome that makes no sense", async () => {
  coordinator.ttlMs = 10;
  start();
  await until("the refusal", said("no session"));
  expect(welcomes).toEqual([]);
});

it("refuses orders before Welcome", async () => {
  coordinator.beforeWelcome = [{ case: "stop", value: { leaseId: "x" } }];
  start();
  await until("the refusal", said("no session"));
  expect(received).toEqual([]);
});

it("survives bytes that are no message", async () => {
  const garbage = createServer((socket) => socket.end("HTTP/1.0 200 OK\r\n\r\nnot for you"));
  await new Promise<void>((resolve) => garbage.listen(0, "127.0.0.1", resolve));
  const bound = garbage.address();
  start(`127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`);
  await until("two failed attempts", () => lines.filter(({ msg }) => msg.includes("trying again")).length >= 2);
  garbage.close();
});

/** A wire that can be cut without a word: its present connections go silent, new ones work. */
class Wire {
  private readonly pairs = new Set<[Socket, Socket]>();
  private server: Server | undefined;

  async start(target: string): Promise<string> {
    const [host, port] = target.split(":");
    const server = createServer((near) => {
      const far = dial(Number(port), host);
      const pair: [Socket, Socket] = [near, far];
      this.pairs.add(pair);
      near.pipe(far);
      far.pipe(near);
      for (const socket of pair) socket.on("error", () => {});
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    return `127.0.0.1:${typeof bound === "object" ? bound?.port : 0}`;
  }

  swallow(): void {
    for (const [near, far] of this.pairs) {
      near.unpipe(far).resume();
      far.unpipe(near).resume();
    }
  }

  close(): void {
    this.server?.close();
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
  }
}
