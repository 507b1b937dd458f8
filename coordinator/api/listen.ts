import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

export interface Listening {
  port: number;
  servers: Server[];
}

/** Listens at each address of `host:port` that this machine has; of port 0, at the same that is free on each. */
export async function listen(address: string, accept: (socket: Socket) => void): Promise<Listening> {
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  if (host === undefined) throw new Error("it is not host:port");
  const listening: Listening = { port: Number(port), servers: [] };
  const failures: unknown[] = [];
  const addresses = host === "" ? [{ address: undefined }] : await lookup(host, { all: true });
  for (const each of addresses) {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
    try {
      server.listen({ host: each.address, port: listening.port });
      await once(server, "listening");
      listening.port = (server.address() as AddressInfo).port;
      listening.servers.push(server);
    } catch (error) {
      failures.push(error);
    }
  }
  if (listening.servers.length === 0) throw failures[0];
  return listening;
}
