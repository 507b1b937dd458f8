import type { Http2Server } from "node:http2";
import type { DescService } from "@bufbuild/protobuf";
import { Server } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { authenticate, serverCredentials } from "../../shared/credentials.js";
import { doorkeeper } from "../../shared/doorkeeper.js";
import { Fault } from "../../shared/fault.js";
import { type Guard, type Handlers, type Service, serve } from "../../shared/grpc.js";
import { addReflection } from "./reflection.js";

/** A job with a long list of variables is far below this; what is larger is refused before it is decoded. */
const requestBytesMax = 4 * 1024 * 1024;
/** For connections that are cut off at a stop to be gone. */
const cutOffMs = 500;

/** Of what a peer sends on one stream and we have not read. HTTP/2's own 64 KiB make a file wait for us eight times as often. */
const receiveWindow = 512 * 1024;

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
  private readonly services: DescService[] = [];
  private readonly server: Server;
  private readonly guard: Guard;

  constructor(private readonly options: ApiServerOptions) {
    const { token, report, silence = { askMs: 20_000, giveUpMs: 10_000 } } = options;
    this.guard = (metadata) => authenticate(metadata, token);
    this.server = new Server({
      "grpc.max_receive_message_length": requestBytesMax,
      "grpc.max_send_message_length": -1,
      // A peer that vanished without a word, or never says one: its calls end, and with them what they hold here.
      "grpc.keepalive_time_ms": silence.askMs,
      "grpc.keepalive_timeout_ms": silence.giveUpMs,
      interceptors: [doorkeeper(this.guard, (path) => path.startsWith("/grpc.health.v1."), report)],
    });
  }

  add<S extends DescService>(service: S, handlers: Handlers<S>): void {
    const { definition, implementation }: Service = serve(service, handlers, this.guard, this.options.report);
    this.server.addService(definition, implementation);
    this.services.push(service);
    this.health.setStatus(service.typeName, "SERVING");
  }

  /** Resolves with the port. Services are added before. */
  async listen(address: string): Promise<number> {
    this.health.addToServer(this.server);
    addReflection(this.server, this.services, this.guard, this.options.report);
    return new Promise((resolve, reject) => {
      this.server.bindAsync(address, serverCredentials(), (error, port) => {
        if (error)
          reject(new Fault("invalid-argument", `cannot listen on ${address}: ${error.message}`, { cause: error }));
        else {
          widen(this.server);
          resolve(port);
        }
      });
    });
  }

  /** No new calls; those that run may finish for `graceMs`, then they are cut off. */
  async close(graceMs: number): Promise<void> {
    for (const name of ["", ...this.services.map((service) => service.typeName)])
      this.health.setStatus(name, "NOT_SERVING");
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        this.server.forceShutdown();
        // A connection that came, or broke, at just this moment may never be reported as closed: nobody waits for it.
        setTimeout(resolve, cutOffMs);
      }, graceMs);
      this.server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }
}
