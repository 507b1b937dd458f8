import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import { assert } from "../../shared/assert.js";

/**
 * So many calls more than it has open may a connection begin before we have looked at them. HTTP/2 hands over all that lies in a socket in one
 * turn of the event loop, thousands of calls if their caller has so many: with this limit, which every client keeps, the rest waits at theirs.
 */
export const credit = 128;

/** The limit is told anew when it is so far from what it should be. */
const step = credit / 2;

/** For the ports that are bound by now. */
export function limitNewStreams(server: Server): void {
  for (const http2Server of http2ServersOf(server)) http2Server.on("session", limit);
}

/** grpc-js has but a fixed limit, which would refuse a client its next watch for ever, and does not give its servers away. */
function http2ServersOf(server: Server): Iterable<Http2Server> {
  const servers: unknown = Reflect.get(server, "http2Servers");
  assert(servers instanceof Map && servers.size > 0, "grpc-js has its HTTP/2 servers elsewhere");
  return servers.keys();
}

function limit(session: ServerHttp2Session): void {
  let open = 0;
  let told = credit;
  let waiting = false;
  const adapt = () => {
    if (waiting || Math.abs(open + credit - told) < step) return;
    waiting = true;
    // After this turn: what has come with it is begun first.
    setImmediate(tell);
  };
  const tell = () => {
    if (session.closed || session.destroyed) return;
    told = open + credit;
    session.settings({ maxConcurrentStreams: told }, () => {
      waiting = false;
      adapt();
    });
  };
  session.on("stream", (stream) => {
    open += 1;
    stream.once("close", () => {
      open -= 1;
      adapt();
    });
    adapt();
  });
}
