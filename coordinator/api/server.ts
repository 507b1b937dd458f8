import type { Socket, Server as TcpServer } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import type { ChannelOptions } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import type { Access, CallerConnection } from "../../shared/caller.js";
import { doorkeeper } from "../../shared/doorkeeper.js";
import { Fault } from "../../shared/fault.js";
import { type Guard, type Handlers, type Service, serve } from "../../shared/grpc.js";
import { encryptedOnly } from "./caller.js";
import { ClientConnection } from "./client-connection.js";
import { FrameTurns } from "./frame-turns.js";
import { type Encryption, FrontDoor } from "./front-door.js";
import { listen } from "./listen.js";
import { addReflection } from "./reflection.js";

/** A job with a long list of variables is far below this; what is larger is refused before it is decoded. */
const requestBytesMax = 4 * 1024 * 1024;
/** For clients whose calls are cut off at a stop to be told so. */
const cutOffMs = 500;
/** The beginnings of as many calls keep the event loop for some 10 ms. */
const framesPerTurn = 64;
const framesAtOnce = 16;
/** The doorkeeper has, for every call of a connection. */
const decided: Guard = () => undefined;

export interface ApiServerOptions {
  /** Decides who calls and whether they may. */
  access: Access;
  encryption: Encryption;
  /** Told of every error that is not a plain Fault. */
  report: (error: unknown) => void;
  /** A peer that says nothing is asked, and given up when it does not answer. */
  silence?: { askMs: number; giveUpMs: number };
}

/** The gRPC server: our services, and reflection of them, for whom `access` lets in; health for everybody. */
export class ApiServer {
  private readonly health = new HealthImplementation({ "": "SERVING" });
  private readonly descriptions: DescService[] = [];
  private readonly services: Service[] = [];
  private readonly channel: ChannelOptions;
  private readonly turns = new FrameTurns(framesPerTurn, framesAtOnce);
  private readonly connections = new Set<ClientConnection>();
  private listeners: TcpServer[] = [];
  private door: FrontDoor | undefined;

  constructor(private readonly options: ApiServerOptions) {
    const { silence = { askMs: 20_000, giveUpMs: 10_000 } } = options;
    this.channel = {
      "grpc.max_receive_message_length": requestBytesMax,
      "grpc.max_send_message_length": -1,
      // A peer that vanished without a word, or never says one: its calls end, and with them what they hold here.
      "grpc.keepalive_time_ms": silence.askMs,
      "grpc.keepalive_timeout_ms": silence.giveUpMs,
    };
  }

  add<S extends DescService>(service: S, handlers: Handlers<S>): void {
    this.services.push(serve(service, handlers, decided, this.options.report));
    this.descriptions.push(service);
    this.health.setStatus(service.typeName, "SERVING");
  }

  /** Resolves with the port. Services are added before. */
  async listen(address: string): Promise<number> {
    const { services, turns, channel } = this;
    const { access, report } = this.options;
    const others = {
      addService: (definition: Service["definition"], implementation: Service["implementation"]) =>
        void services.push({ definition, implementation }),
    };
    this.health.addToServer(others);
    addReflection(others, this.descriptions, decided, report);
    const isOpen = (path: string) => path.startsWith("/grpc.health.v1.");
    try {
      const open = (socket: Socket, connection: CallerConnection, access: Access) => {
        const interceptor = (of: CallerConnection) => doorkeeper(access, isOpen, report, of);
        const opened = new ClientConnection(socket, connection, { channel, services, turns, interceptor });
        this.connections.add(opened);
        void opened.closed.then(() => this.connections.delete(opened));
      };
      this.door = new FrontDoor(this.options.encryption, {
        accept: (socket, connection) => open(socket, connection, access),
        refuse: (socket, connection) => open(socket, connection, encryptedOnly),
      });
      const { port, servers } = await listen(address, (socket) => this.door?.take(socket));
      this.listeners = servers;
      return port;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Fault("invalid-argument", `cannot listen on ${address}: ${reason}`, { cause: error });
    }
  }

  /** The coordinator has a new certificate. */
  certificateRenewed(): void {
    this.door?.renewed();
  }

  /** Those whose other end is no longer who it was: their calls end now. Why, it hears when it comes back. */
  cutOff(isOver: (connection: CallerConnection) => boolean): void {
    for (const each of this.connections) if (isOver(each.connection)) each.destroy();
  }

  /** Those with a certificate that counts no more: calls that are to end have been told why, and others are refused. */
  retire(isOver: (connection: CallerConnection) => boolean): void {
    for (const each of this.connections) {
      if (isOver(each.connection)) each.end();
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
