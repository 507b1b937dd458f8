import { createServer, type Server, type Socket } from "node:net";
import type { NodeTarget } from "../../shared/gen/stoker/v1/node_service_pb.js";
import type { Call } from "../call.js";
import { exitCode, Failure, usage } from "../failure.js";
import type { Session } from "../session.js";
import { nodeFailure } from "./node-failure.js";

export interface Forwarding {
  bind: string;
  port: number;
  host: string;
  hostPort: number;
}

type Target = Pick<NodeTarget, "nodeId" | "clusterId" | "jobId">;

/** `[bind:]port:host:hostport`, as ssh has it; IPv6 addresses in brackets. */
export function parseForwarding(text: string): Forwarding {
  const part = String.raw`(\[[^\]]+\]|[^:\[\]]*)`;
  const [, bind, port = "", host = "", hostPort = ""] =
    new RegExp(`^(?:${part}:)?(\\d+):${part}:(\\d+)$`).exec(text) ?? [];
  const bare = (word: string) => word.replace(/^\[(.*)\]$/, "$1");
  const inRange = (word: string, least: number) =>
    /^\d{1,5}$/.test(word) && Number(word) >= least && Number(word) <= 65_535;
  if (host === "" || !inRange(port, 0) || !inRange(hostPort, 1)) {
    throw usage(`-L "${text}": expected [bind:]port:host:hostport, such as 8888:localhost:6006`);
  }
  return { bind: bare(bind ?? "") || "127.0.0.1", port: Number(port), host: bare(host), hostPort: Number(hostPort) };
}

/** Listens here; every connection is one call. Returns how to stop. */
export async function startForwarding(
  call: Call,
  session: Session,
  target: Target,
  all: readonly Forwarding[],
): Promise<() => void> {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const stop = () => {
    for (const server of servers) server.close();
    for (const socket of sockets) socket.destroy();
  };
  try {
    for (const each of all) {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        carry(session, target, each, socket).catch((error: unknown) => told(call, each, error));
      });
      servers.push(server);
      const port = await listening(server, each);
      await call.notice(`${each.bind}:${port} leads to ${each.host}:${each.hostPort}`);
    }
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}

function listening(server: Server, { bind, port }: Forwarding): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(new Failure(exitCode.failed, `-L: ${bind}:${port} can't be listened on: ${error.message}`)),
    );
    server.listen(port, bind, () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}

async function told(call: Call, { host, hostPort }: Forwarding, error: unknown): Promise<void> {
  const failure = nodeFailure(error);
  await call.notice(
    `a connection to ${host}:${hostPort} failed: ${failure instanceof Error ? failure.message : String(failure)}`,
  );
}

async function carry(session: Session, target: Target, { host, hostPort }: Forwarding, socket: Socket): Promise<void> {
  const stream = session.nodes.forward();
  // What breaks on either side ends both.
  socket.on("error", () => stream.cancel());
  socket.on("close", () => stream.cancel());
  stream.push({ message: { case: "start", value: { target, host, port: hostPort } } });
  const up = async () => {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      const message = { case: "input" as const, value: chunk as Buffer };
      if (!stream.push({ message })) await Promise.race([stream.drain(), stream.closed]);
    }
    stream.push({ message: { case: "inputEnd", value: {} } });
    stream.end();
  };
  up().catch(() => stream.cancel());
  try {
    for await (const { message } of stream.responses) {
      if (message.case === "output" && !socket.destroyed && !socket.write(message.value)) await drained(socket);
      else if (message.case === "outputEnd") socket.end();
    }
  } catch (error) {
    if (socket.destroyed) return;
    socket.destroy();
    throw error;
  }
  socket.end();
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
