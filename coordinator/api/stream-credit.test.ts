import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { Server, type ServerWritableStream } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, it } from "vitest";
import { serverCredentials } from "../../shared/credentials.js";
import { until } from "../../test/fakes/until.js";
import { credit, limitNewStreams } from "./stream-credit.js";

const many = 1_000;
let server: Server;
let client: ClientHttp2Session;
let begun = 0;
let mostInATurn = 0;

beforeEach(async () => {
  begun = 0;
  mostInATurn = 0;
  server = new Server({ "grpc.max_concurrent_streams": credit });
  const watch = { path: "/test/watch", requestStream: false, responseStream: true, ...bytes };
  server.addService({ watch }, { watch: (call: ServerWritableStream<Buffer, Buffer>) => begin(call) });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", serverCredentials(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  limitNewStreams(server);
  client = connect(`http://127.0.0.1:${port}`);
  await once(client, "remoteSettings");
});

afterEach(() => {
  client.destroy();
  server.forceShutdown();
});

it("lets a connection have any number of long calls, but begin only some in a turn of the event loop", async () => {
  const calls = Array.from({ length: many }, watch);
  await until("all have begun", () => begun === many, 30_000);
  expect(mostInATurn).toBeGreaterThan(0);
  expect(mostInATurn).toBeLessThanOrEqual(2 * credit);
  for (const call of calls) call.close(constants.NGHTTP2_CANCEL);
  const limit = () => client.remoteSettings.maxConcurrentStreams ?? 0;
  await until("the limit is what it was", () => limit() < 2 * credit, 30_000);
  const again = Array.from({ length: many }, watch);
  await until("all have begun again", () => begun === 2 * many, 30_000);
  expect(mostInATurn).toBeLessThanOrEqual(2 * credit);
  for (const call of again) call.close(constants.NGHTTP2_CANCEL);
});

let inThisTurn = 0;
function begin(call: ServerWritableStream<Buffer, Buffer>): void {
  call.on("error", () => undefined);
  if (inThisTurn === 0) {
    setImmediate(() => {
      mostInATurn = Math.max(mostInATurn, inThisTurn);
      inThisTurn = 0;
    });
  }
  inThisTurn += 1;
  begun += 1;
}

function watch(): ClientHttp2Stream {
  const call = client.request({
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: "/test/watch",
    [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
    [constants.HTTP2_HEADER_TE]: "trailers",
  });
  call.on("error", () => undefined);
  // An empty message.
  call.end(Buffer.alloc(5));
  return call;
}

const same = (value: Buffer) => value;
const bytes = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
