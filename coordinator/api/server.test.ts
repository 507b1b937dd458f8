import { once, setMaxListeners } from "node:events";
import { connect as connectTcp } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import { afterEach, expect, it } from "vitest";
import { bearer, plain } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { type CallContext, type Connection, connect, type Handlers, peerHeader } from "../../shared/grpc.js";
import { PerTurn } from "../../test/fakes/per-turn.js";
import { until } from "../../test/fakes/until.js";
import { tokenAccess } from "./caller.js";
import { ApiServer } from "./server.js";

const closers: Array<() => unknown> = [];
afterEach(async () => {
  for (let close = closers.pop(); close; close = closers.pop()) await close();
});

type Watch = Handlers<typeof JobService>["watchJob"];

function refusing<S extends DescService>(service: S): Handlers<S> {
  const refuse = () => {
    throw new Fault("failed-precondition", "not in this test");
  };
  return Object.fromEntries(service.methods.map(({ localName }) => [localName, refuse])) as unknown as Handlers<S>;
}

async function serve(watchJob: Watch) {
  const server = new ApiServer({
    access: tokenAccess("t"),
    encryption: { kind: "off" },
    report: (error) => expect.unreachable(String(error)),
  });
  server.add(JobService, { ...refusing(JobService), watchJob });
  const port = await server.listen("127.0.0.1:0");
  closers.push(() => server.close(0));
  const client = (metadata = bearer("t")) => {
    const connection: Connection = connect(`127.0.0.1:${port}`, plain(metadata), { apart: true });
    closers.push(() => connection.close());
    return connection.client(JobService);
  };
  return { server, port, client };
}

async function* untilGone({ signal }: CallContext) {
  yield {};
  if (!signal.aborted) await once(signal, "abort");
}

it("begins, and ends, only some of a thousand calls in one turn of the event loop", { timeout: 60_000 }, async () => {
  const begun = new PerTurn();
  const ended = new PerTurn();
  const { client } = await serve(async function* (_, context) {
    begun.count();
    context.signal.addEventListener("abort", () => ended.count());
    yield* untilGone(context);
  });
  const jobs = client();
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const watch = async () => {
    for await (const _ of jobs.watchJob({ id: "x" }, { signal: stop.signal }));
  };
  const all = Array.from({ length: 1_000 }, watch);
  await until("all have begun", () => begun.all === 1_000, 30_000);
  stop.abort();
  await Promise.all(all);
  await until("all have ended", () => ended.all === 1_000, 30_000);
  for (const { most } of [begun, ended]) expect(most).toBeLessThanOrEqual(128);
});

it("tells a handler where the call comes from, whatever its caller says", async () => {
  const peers: string[] = [];
  const { client } = await serve(async function* (_, { peer }) {
    peers.push(peer);
    yield {};
  });
  const claim = bearer("t");
  claim.set(peerHeader, "10.0.0.1:1");
  for (const metadata of [bearer("t"), claim]) {
    const jobs = client(metadata);
    for (let times = 0; times < 2; times += 1) for await (const _ of jobs.watchJob({ id: "x" }));
  }
  for (const peer of peers) expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(peers[1]).toBe(peers[0]);
  expect(peers[3]).toBe(peers[2]);
  expect(peers[2]).not.toBe(peers[0]);
});

it("lets a call end while it closes, and takes no other", async () => {
  let finish = () => {};
  const { server, client } = await serve(async function* () {
    yield {};
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    yield {};
  });
  const answers = client().watchJob({ id: "x" })[Symbol.asyncIterator]();
  await answers.next();
  const closed = server.close(60_000);
  const late = client().watchJob({ id: "x" })[Symbol.asyncIterator]();
  await expect(late.next()).rejects.toMatchObject({ code: "unavailable" });
  finish();
  expect(await answers.next()).toMatchObject({ done: false });
  expect(await answers.next()).toMatchObject({ done: true });
  await closed;
});

it("cuts off what has not ended in time, and leaves who doesn't listen", async () => {
  const { server, port, client } = await serve((_, context) => untilGone(context));
  const answers = client().watchJob({ id: "x" })[Symbol.asyncIterator]();
  await answers.next();
  const mute = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
  mute.on("error", () => undefined);
  closers.push(() => mute.destroy());
  await once(mute, "connect");
  // Half of a greeting; it never reads.
  mute.write("PRI * HTTP/2.0\r\n");
  const refused = expect(answers.next()).rejects.toBeInstanceOf(Fault);
  await server.close(0);
  await refused;
});
