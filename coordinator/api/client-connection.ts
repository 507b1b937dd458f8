import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import { type ChannelOptions, Server, type ServerInterceptor } from "@grpc/grpc-js";
import type { CallerConnection } from "../../shared/caller.js";
import { serverCredentials } from "../../shared/credentials.js";
import type { Service } from "../../shared/grpc.js";
import type { FrameTurns } from "./frame-turns.js";
import { TurnedSocket } from "./turned-socket.js";

/** Of what a peer sends on one stream and we have not read. HTTP/2's own 64 KiB make a file wait for us eight times as often. */
const receiveWindow = 512 * 1024;

export interface ConnectionOptions {
  channel: ChannelOptions;
  services: readonly Service[];
  turns: FrameTurns;
  interceptor(connection: CallerConnection): ServerInterceptor;
}

/** One client's connection. It has a gRPC server of its own, since of connections that are handed to it grpc-js can't tell which a call came by. */
export class ClientConnection {
  private readonly server: Server;
  private readonly stream: TurnedSocket;
  readonly closed: Promise<void>;

  constructor(
    socket: Socket,
    readonly connection: CallerConnection,
    { channel, services, turns, interceptor }: ConnectionOptions,
  ) {
    // Nobody asks for its statistics.
    this.server = new Server({ ...channel, "grpc.enable_channelz": 0, interceptors: [interceptor(connection)] });
    for (const { definition, implementation } of services) this.server.addService(definition, implementation);
    this.stream = new TurnedSocket(socket, turns);
    this.closed = new Promise((resolve) => this.stream.once("close", resolve));
    const injector = this.server.createConnectionInjector(serverCredentials());
    widen(this.server);
    injector.injectConnection(this.stream);
  }

  /** No new calls; it closes when those that run have ended. */
  end(): void {
    this.server.tryShutdown(() => undefined);
  }

  /** Its calls end now, and it tells the client so. */
  cutOff(): void {
    this.server.forceShutdown();
  }

  /** Without a word. */
  destroy(): void {
    this.stream.destroy();
  }
}

/** grpc-js has a setting for its clients' windows and none for its servers'; where it keeps its servers otherwise, the usual window stays. */
function widen(server: Server): void {
  const servers: unknown = Reflect.get(server, "http2Servers");
  if (!(servers instanceof Map)) return;
  for (const each of servers.keys() as IterableIterator<Http2Server>) {
    each.on("session", (session) => {
      session.settings({ initialWindowSize: receiveWindow });
      session.setLocalWindowSize(4 * receiveWindow);
    });
  }
}
