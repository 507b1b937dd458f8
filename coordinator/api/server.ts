import type { Server as TcpServer } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import type { ChannelOptions } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { authenticate } from "../../shared/credentials.js";
import { doorkeeper } from "../../shared/doorkeeper.js";
import { Fault } from "../../shared/fault.js";
import { type Guard, type Handlers, type Service, serve } from "../../shared/grpc.js";
import { ClientConnection } from "./client-connection.js";
import { FrameTurns } from "./frame-turns.js";
import { listen } from "./listen.js";
import { addReflection } from "./reflection.js";

/** A job with a long list of variables is far below this; what is larger is refused before it is decoded. */
const requestBytesMax = 4 * 1024 * 1024;
/** For clients whose calls are cut off at a stop to be told so. */
const cutOffMs = 500;
/** The beginnings of as many calls keep the event loop for some 10 ms. */
const framesPerTurn = 64;
const framesAtOnce = 16;

export interface ApiServerOptions {
  token: string;
  /** Told of every error that is not a plain Fault. */
  report: (error: unknown) => void;
  /** A peer that says nothing is asked, and given up when it does not answer. */
  silence?: { askMs: number; giveUpMs: number };
}

/** The gRPC server: our services behind the token, health for everybody, reflection behind the token. */
export class ApiServer {
  private readonly health = new HealthImplementation({ "": "SERVING" });
  private readonly descriptions: DescService[] = [];
  private readonly services: Service[] = [];
  private readonly guard: Guard;
  private readonly channel: ChannelOptions;
  private readonly turns = new FrameTurns(framesPerTurn, framesAtOnce);
  private readonly connections = new Set<ClientConnection>();
  private listeners: TcpServer[] = [];

  constructor(private readonly options: ApiServerOptions) {
    const { token, silence = { askMs: 20_000, giveUpMs: 10_000 } } = options;
    this.guard = (metadata) => authenticate(metadata, token);
    this.channel = {
      "grpc.max_receive_message_length": requestBytesMax,
      "grpc.max_send_message_length": -1,
      // A peer that vanished without a word, or never says one: its calls end, and with them what they hold here.
      "grpc.keepalive_time_ms": silence.askMs,
      "grpc.keepalive_timeout_ms": silence.giveUpMs,
    };
  }

  add<S extends DescService>(service: S, handlers: Handlers<S>): void {
    this.services.push(serve(service, handlers, this.guard, this.options.report));
    this.descriptions.push(service);
    this.health.setStatus(service.typeName, "SERVING");
  }

  /** Resolves with the port. Services are added before. */
  async listen(address: string): Promise<number> {
    const { services, guard, turns, channel } = this;
    const { report } = this.options;
    const others = {
      addService: (definition: Service["definition"], implementation: Service["implementation"]) =>
        void services.push({ definition, implementation }),
    };
    this.health.addToServer(others);
    addReflection(others, this.descriptions, guard, report);
    const isOpen = (path: string) => path.startsWith("/grpc.health.v1.");
    const interceptor = (peer: string) => doorkeeper(guard, isOpen, report, peer);
    try {
      const { port, servers } = await listen(address, (socket) => {
        const connection = new ClientConnection(socket, { channel, services, turns, interceptor });
        this.connections.add(connection);
        void connection.closed.then(() => this.connections.delete(connection));
      });
      this.listeners = servers;
      return port;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Fault("invalid-argument", `cannot listen on ${address}: ${reason}`, { cause: error });
    }
  }

  /** No new calls; those that run may finish for `graceMs`, then they are cut off. */
  async close(graceMs: number): Promise<void> {
    for (const name of ["", ...this.descriptions.map((service) => service.typeName)])
      this.health.setStatus(name, "NOT_SERVING");
    for (const listener of this.listeners) listener.close();
    for (const connection of this.connections) connection.end();
    const force = setTimeout(() => {
      for (const connection of this.connections) connection.cutOff();
    }, graceMs);
    // Who doesn't take what we say is not waited for.
    const leave = setTimeout(() => {
      for (const connection of this.connections) connection.destroy();
    }, graceMs + cutOffMs);
    await Promise.all([...this.connections].map(({ closed }) => closed));
    clearTimeout(force);
    clearTimeout(leave);
  }
}
