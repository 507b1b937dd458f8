import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Fault } from "../../shared/fault.js";
import type { ForwardPlan } from "../../shared/gen/stoker/v1/relay_pb.js";
import type { RelayChannel } from "../relay-ports.js";

const connectLimitMs = 10_000;

/** One TCP connection to what this node can reach, each side closed for itself. */
export async function forward({ host, port }: ForwardPlan, channel: RelayChannel): Promise<void> {
  const socket = await connected(host, port, channel.signal);
  const cut = () => socket.destroy();
  channel.signal.addEventListener("abort", cut, { once: true });
  try {
    await channel.send({ case: "started", value: {} });
    await Promise.all([toUser(socket, channel), fromUser(socket, channel)]);
  } finally {
    channel.signal.removeEventListener("abort", cut);
    socket.destroy();
  }
}

function connected(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const where = `${host}:${port}`;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const fail = (why: string) => {
      clearTimeout(limit);
      socket.destroy();
      reject(new Fault("failed-precondition", `${where} can't be reached from the node: ${why}`));
    };
    const limit = setTimeout(() => fail(`no answer within ${connectLimitMs / 1000} s`), connectLimitMs);
    signal.addEventListener("abort", () => fail("it was called off"), { once: true });
    socket.once("connect", () => {
      clearTimeout(limit);
      resolve(socket);
    });
    // Stays: what breaks later ends both directions.
    socket.on("error", (error) => fail(error.message));
  });
}

async function toUser(socket: Socket, channel: RelayChannel): Promise<void> {
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      await channel.send({ case: "output", value: chunk as Buffer });
    }
  } catch (error) {
    if (!socket.destroyed) throw error;
    if (!channel.signal.aborted) throw new Fault("unavailable", "the connection was broken on the node's side");
    return;
  }
  await channel.send({ case: "outputEnd", value: {} });
}

async function fromUser(socket: Socket, channel: RelayChannel): Promise<void> {
  for await (const message of channel.received) {
    if (message.case === "inputEnd") {
      socket.end();
      return;
    }
    if (message.case !== "input" || socket.destroyed) continue;
    if (!socket.write(message.value)) await drained(socket);
  }
}

async function drained(socket: Socket): Promise<void> {
  const stop = new AbortController();
  const { signal } = stop;
  const ignored = () => undefined;
  await Promise.race([
    once(socket, "drain", { signal }).catch(ignored),
    once(socket, "close", { signal }).catch(ignored),
  ]);
  stop.abort();
}
