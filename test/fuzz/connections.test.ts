import { connect as connectTcp, createServer, type Socket } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import { Metadata, status } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { tokenAccess } from "../../coordinator/api/caller.js";
import { ApiServer } from "../../coordinator/api/server.js";
import { bearer, plain } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";
import { CreateJobRequestSchema, JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { connect, type Handlers } from "../../shared/grpc.js";
import { until } from "../fakes/until.js";
import { mutated } from "./arbitraries/bytes.js";
import { RawCalls } from "./raw-calls.js";
import { checkAsync } from "./runs.js";

/** The API's port under peers that say nonsense, too much, nothing, or no longer anything. */

const closers: Array<() => unknown> = [];
afterEach(async () => {
  // More may come on the way: who loses a connection makes another.
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

interface Site {
  address: string;
  port: number;
  /** Watches that are open now. */
  watches: Set<string>;
  reported: unknown[];
}

async function start(silence = { askMs: 20_000, giveUpMs: 10_000 }): Promise<Site> {
  const watches = new Set<string>();
  const reported: unknown[] = [];
  const server = new ApiServer({
    access: tokenAccess("t"),
    encryption: { kind: "off" },
    report: (error) => reported.push(error),
    silence,
  });
  const watchJob: Handlers<typeof JobService>["watchJob"] = async function* (_, { signal, peer }) {
    watches.add(peer);
    yield {};
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    watches.delete(peer);
  };
  server.add(WorkspaceService, { ...refusing(WorkspaceService), listWorkspaces: () => ({}) });
  server.add(JobService, { ...refusing(JobService), watchJob });
  const port = await server.listen("127.0.0.1:0");
  closers.push(() => server.close(0));
  return { address: `127.0.0.1:${port}`, port, watches, reported };
}

function refusing<S extends DescService>(service: S): Handlers<S> {
  const refuse = () => {
    throw new Fault("failed-precondition", "not in this test");
  };
  return Object.fromEntries(service.methods.map(({ localName }) => [localName, refuse])) as unknown as Handlers<S>;
}

async function mustServe({ address, reported }: Site): Promise<void> {
  const connection = connect(address, plain(bearer("t")));
  await connection.client(WorkspaceService).listWorkspaces({}, { timeoutMs: 20_000 });
  connection.close();
  expect(reported).toEqual([]);
}

function raw(port: number): Socket {
  const socket = connectTcp(port, "127.0.0.1");
  socket.on("error", () => undefined);
  closers.push(() => socket.destroy());
  return socket;
}

/** What a client of HTTP/2 says first: its preface, settings, and a call's headers without compression. */
const greeting = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0xff, 0xff]),
  Buffer.from([0, 0, 2, 1, 4, 0, 0, 0, 1, 0x83, 0x86]),
  Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
  Buffer.from([0, 0, 5, 0, 1, 0, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff]),
]);

test("bytes that are no HTTP/2, or broken HTTP/2, harm nobody else", async () => {
  const site = await start();
  const said = fc.oneof(
    mutated(fc.constant(greeting)),
    fc.uint8Array({ maxLength: 2_000 }),
    fc.constant(Buffer.from("GET / HTTP/1.1\r\n\r\n")),
  );
  await checkAsync(
    fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 20 }), fc.boolean(), async (all, abrupt) => {
      const sockets = all.map((bytes) => {
        const socket = raw(site.port);
        socket.write(bytes);
        if (!abrupt) socket.end();
        return socket;
      });
      await mustServe(site);
      for (const socket of sockets) abrupt ? socket.resetAndDestroy() : socket.destroy();
    }),
    25,
  );
  await mustServe(site);
});

test("who connects and says nothing, or half a greeting, is given up", async () => {
  const site = await start({ askMs: 100, giveUpMs: 100 });
  for (const words of [Buffer.alloc(0), greeting.subarray(0, 10), greeting.subarray(0, 40)]) {
    const socket = raw(site.port);
    let closed = false;
    socket.on("close", () => {
      closed = true;
    });
    socket.resume();
    socket.write(words);
    await until(`a connection that said ${words.length} bytes is closed`, () => closed, 20_000);
  }
});

test("a caller that vanished without a word leaves nothing open", async () => {
  const site = await start({ askMs: 100, giveUpMs: 100 });
  let cut = false;
  const proxy = createServer((socket) => {
    const onward = raw(site.port);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => void (cut || onward.write(bytes)));
    onward.on("data", (bytes) => void (cut || socket.write(bytes)));
    closers.push(() => socket.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  closers.push(() => proxy.close());
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const connection = connect(`127.0.0.1:${address.port}`, plain(bearer("t")));
  closers.push(() => connection.close());
  const stop = new AbortController();
  closers.push(() => stop.abort());
  const watching = connection.client(JobService).watchJob({ id: "x" }, { signal: stop.signal })[Symbol.asyncIterator]();
  await watching.next();
  expect(site.watches.size).toBe(1);
  cut = true;
  await until("its watch ends", () => site.watches.size === 0, 20_000);
});

const method = JobService.method.createJob;
const megabyte = 1024 * 1024;
/** An empty variable is two bytes and more. */
const manyFields = (() => {
  const spec = CreateJobRequestSchema.fields.find(({ localName }) => localName === "spec");
  const list = spec?.message?.fields.find(({ localName }) => localName === "environmentVariables");
  const inner = Buffer.alloc(3 * megabyte, Buffer.concat([varint((list?.number ?? 0) * 8 + 2), Buffer.from([0])]));
  return Buffer.concat([varint((spec?.number ?? 0) * 8 + 2), varint(inner.length), inner]);
})();

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

test("a message over the limit is refused with the limit; one of too many fields before it is decoded", async () => {
  const site = await start();
  const calls = new RawCalls(site.address, bearer("t"));
  closers.push(() => calls.close());
  const large = await calls.call(JobService, method, [Buffer.alloc(5 * megabyte)]);
  expect(large).toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: expect.stringContaining(String(4 * megabyte)),
  });
  const many = await calls.call(JobService, method, [manyFields]);
  expect(many).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: expect.stringContaining("60000 fields") });
  const broken = await calls.call(JobService, method, [Buffer.from([0xff, 0xff, 0xff])]);
  expect(broken).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining("CreateJobRequest") });
  const deep = Buffer.alloc(megabyte, Buffer.from([0x0b]));
  expect(await calls.call(JobService, method, [deep])).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  expect(await calls.call(JobService, method, [deep.subarray(0, 10_000)])).toMatchObject({
    code: status.INVALID_ARGUMENT,
  });
  await mustServe(site);
});

test("without the token nothing of a message is read", async () => {
  const site = await start();
  for (const metadata of [new Metadata(), bearer("other")]) {
    const calls = new RawCalls(site.address, metadata);
    closers.push(() => calls.close());
    for (const each of JobService.methods) {
      const answer = await calls.call(JobService, each, [Buffer.from([0xff, 0xff, 0xff])]);
      expect(answer.code).toBe(status.UNAUTHENTICATED);
    }
  }
  await mustServe(site);
});
