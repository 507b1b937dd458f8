import { Server } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { authenticate, bearer, plain, serverCredentials } from "./credentials.js";
import { Fault } from "./fault.js";
import { AgentService } from "./gen/stoker/v1/agent_service_pb.js";
import { JobService } from "./gen/stoker/v1/job_service_pb.js";
import { type Connection, connect, type Handlers, serve } from "./grpc.js";

const closers: Array<() => void> = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const refuse = () => {
  throw new Fault("failed-precondition", "not in this test");
};
const jobs: Handlers<typeof JobService> = {
  createJob: refuse,
  createJobs: refuse,
  getJob: refuse,
  listJobs: refuse,
  deleteJob: refuse,
  terminateJob: refuse,
  explainJob: refuse,
  getJobUsage: refuse,
  watchJob: refuse,
  streamLogs: refuse,
  listJobFiles: refuse,
  readJobFile: refuse,
};

async function start(
  handlers: Partial<Handlers<typeof JobService>>,
  session?: Handlers<typeof AgentService>["session"],
): Promise<{ connection: Connection; reported: unknown[]; connectAs(token: string): Connection }> {
  const reported: unknown[] = [];
  const server = new Server();
  const guard = (metadata: Parameters<typeof authenticate>[0]) => authenticate(metadata, "t");
  const report = (error: unknown) => reported.push(error);
  const job = serve(JobService, { ...jobs, ...handlers }, guard, report);
  server.addService(job.definition, job.implementation);
  const agent = serve(AgentService, { session: session ?? refuse, relay: refuse }, guard, report);
  server.addService(agent.definition, agent.implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", serverCredentials(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  closers.push(() => server.forceShutdown());
  const connectAs = (token: string) => {
    const connection = connect(`127.0.0.1:${port}`, plain(bearer(token)));
    closers.push(() => connection.close());
    return connection;
  };
  return { connection: connectAs("t"), reported, connectAs };
}

test("a unary call carries its messages both ways", async () => {
  const { connection } = await start({ getJob: (request) => ({ job: { id: request.id, name: "j" } }) });
  const { job } = await connection.client(JobService).getJob({ id: "x" });
  expect(job).toMatchObject({ id: "x", name: "j" });
});

test("a Fault keeps its code and text; our own failure says nothing to the caller and all to the log", async () => {
  const bug = new Error("the secret is 42");
  const { connection, reported } = await start({
    getJob: () => {
      throw new Fault("not-found", "there is no job x");
    },
    deleteJob: () => Promise.reject(bug),
  });
  const client = connection.client(JobService);
  await expect(client.getJob({ id: "x" })).rejects.toMatchObject({ code: "not-found", message: "there is no job x" });
  expect(reported).toEqual([]);
  const failure = await client.deleteJob({ id: "x" }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "internal" });
  expect(String(failure)).not.toContain("42");
  expect(reported).toEqual([bug]);
});

test("a caller without the token gets nowhere", async () => {
  const { connectAs } = await start({ getJob: () => ({}) });
  await expect(connectAs("other").client(JobService).getJob({ id: "x" })).rejects.toMatchObject({
    code: "unauthenticated",
  });
});

test("a server stream is read to its end, and its Fault arrives after what came before", async () => {
  const { connection } = await start({
    async *streamLogs() {
      yield { data: new Uint8Array([1]) };
      yield { data: new Uint8Array([2]) };
      throw new Fault("unavailable", "gone");
    },
  });
  const seen: number[] = [];
  const read = async () => {
    for await (const message of connection.client(JobService).streamLogs({ id: "x" })) seen.push(...message.data);
  };
  await expect(read()).rejects.toMatchObject({ code: "unavailable", message: "gone" });
  expect(seen).toEqual([1, 2]);
});

test("a slow reader holds the producer back", async () => {
  let produced = 0;
  const { connection } = await start({
    async *streamLogs(_request, { signal }) {
      while (!signal.aborted && produced < 4_000) {
        produced += 1;
        yield { data: new Uint8Array(64 * 1024) };
      }
    },
  });
  const stop = new AbortController();
  for await (const _ of connection.client(JobService).streamLogs({ id: "x" }, { signal: stop.signal })) break;
  expect(produced).toBeLessThan(4_000);
  stop.abort();
});

test("the handler of a watch hears that its reader left", async () => {
  let left: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    left = resolve;
  });
  const { connection } = await start({
    async *watchJob(_request, { signal }) {
      yield {};
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      left();
    },
  });
  for await (const _ of connection.client(JobService).watchJob({ id: "x" })) break;
  await gone;
});

test("a session speaks both ways and ends when either side does", async () => {
  const { connection } = await start({}, async (stream) => {
    for await (const request of stream.requests) {
      if (request.message.case !== "heartbeat") continue;
      await stream.send({ message: { case: "heartbeatReply", value: { sequence: request.message.value.sequence } } });
    }
  });
  const stream = connection.client(AgentService).session();
  const replies = stream.responses[Symbol.asyncIterator]();
  for (const sequence of [1n, 2n]) {
    stream.push({ message: { case: "heartbeat", value: { sequence } } });
    const reply = await replies.next();
    expect(reply.value?.message).toMatchObject({ case: "heartbeatReply", value: { sequence } });
  }
  stream.end();
  expect((await replies.next()).done).toBe(true);
});

test("a call to nobody is an unavailable Fault", async () => {
  const connection = connect("127.0.0.1:1", plain(bearer("t")));
  closers.push(() => connection.close());
  await expect(connection.client(JobService).getJob({ id: "x" }, { timeoutMs: 5_000 })).rejects.toMatchObject({
    code: "unavailable",
  });
});

test.each(["half a letter: \ud83d", "no\nline", `${"é".repeat(100_000)}`])(
  "a refusal arrives whatever its text is (%#)",
  async (text) => {
    const { connection } = await start({
      getJob: () => {
        throw new Fault("not-found", text);
      },
      async *watchJob() {
        yield {};
        throw new Fault("not-found", text);
      },
    });
    const client = connection.client(JobService);
    const words = { code: "not-found", message: text.slice(0, 4_000).replace("\ud83d", "\ufffd") };
    await expect(client.getJob({ id: "x" })).rejects.toMatchObject(words);
    const read = async () => {
      for await (const _ of client.watchJob({ id: "x" }));
    };
    await expect(read()).rejects.toMatchObject(words);
  },
);
