import {
  create,
  type DescMessage,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Caller, callerOf } from "./caller.js";
import type { Credential } from "./credentials.js";
import { Fault } from "./fault.js";
import { Gone } from "./gone.js";
import { allReadable, decodeRequest, readable } from "./request.js";
import { fromWire, toWire } from "./status.js";

/**
 * The only glue between protobuf-es services and grpc-js: a service's description becomes a grpc-js definition, its handlers are typed
 * by it (a method without a handler does not compile), and so are its clients. A thrown Fault becomes its status; anything else is our
 * bug: INTERNAL, with the text kept for the log.
 */
type Methods<S extends DescService> = S["method"];
type Input<M> = M extends { input: infer I extends DescMessage } ? MessageShape<I> : never;
type Output<M> = M extends { output: infer O extends DescMessage } ? MessageInitShape<O> : never;
type Sent<M> = M extends { output: infer O extends DescMessage } ? MessageShape<O> : never;
type Given<M> = M extends { input: infer I extends DescMessage } ? MessageInitShape<I> : never;

export interface CallContext {
  metadata: Metadata;
  /** Aborted when the caller is gone. */
  signal: AbortSignal;
  /** `host:port` by which the caller knows us. */
  authority: string;
  /** `address:port` of the caller, for the log. */
  peer: string;
  /** Proven by the connection or a token; anonymous where no doorkeeper looked. */
  caller: Caller;
}

export type Duplex<In, Out> = {
  requests: AsyncIterable<In>;
  /** Resolves when the stream can take more; rejects with a Fault when the peer is gone. */
  send(message: Out): Promise<void>;
  /** Sends without waiting; false when the peer's buffer is full (the caller must hold back). */
  push(message: Out): boolean;
  /** Messages that wait for the peer to take them. */
  backlog(): number;
  end(): void;
  /** Ends the call with this refusal; reading ends too. */
  fail(error: Fault): void;
};

export type Handler<M> = M extends { methodKind: "unary" }
  ? (request: Input<M>, context: CallContext) => Promise<Output<M>> | Output<M>
  : M extends { methodKind: "server_streaming" }
    ? (request: Input<M>, context: CallContext) => AsyncIterable<Output<M>>
    : M extends { methodKind: "bidi_streaming" }
      ? (stream: Duplex<Input<M>, Output<M>>, context: CallContext) => Promise<void>
      : never;

export type Handlers<S extends DescService> = { [K in keyof Methods<S>]: Handler<Methods<S>[K]> };

function definition(service: DescService): ServiceDefinition {
  const methods: Record<string, MethodDefinition<unknown, unknown>> = {};
  for (const method of service.methods) {
    const server = method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming";
    const client = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
    // grpc-js wants Buffers where protobuf-es gives Uint8Arrays; the view shares the memory.
    const write = (schema: DescMessage) => (message: unknown) => {
      const bytes = toBinary(schema, message as MessageShape<DescMessage>);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    };
    const read = (schema: DescMessage) => (bytes: Buffer) => fromBinary(schema, bytes);
    const readRequest = (schema: DescMessage) => (bytes: Buffer) => decodeRequest(schema, bytes);
    methods[method.localName] = {
      path: `/${service.typeName}/${method.name}`,
      requestStream: client,
      responseStream: server,
      requestSerialize: write(method.input),
      requestDeserialize: readRequest(method.input),
      responseSerialize: write(method.output),
      responseDeserialize: read(method.output),
      originalName: method.localName,
    };
  }
  return methods as ServiceDefinition;
}

/** Runs before every call; throws a Fault to refuse it. */
export type Guard = (metadata: Metadata) => void;

export interface Service {
  definition: ServiceDefinition;
  implementation: UntypedServiceImplementation;
}

/** A service for `server.addService(definition, implementation)`. `report` is told of every error that is not a plain Fault. */
export function serve<S extends DescService>(
  service: S,
  handlers: Handlers<S>,
  guard: Guard,
  report: (error: unknown) => void,
): Service {
  const implementation: UntypedServiceImplementation = {};
  for (const method of service.methods) {
    const handler = (handlers as Record<string, unknown>)[method.localName];
    switch (method.methodKind) {
      case "unary":
        implementation[method.localName] = unary(handler as AnyUnary, method.output, guard, report);
        break;
      case "server_streaming":
        implementation[method.localName] = serverStream(handler as AnyServerStream, method.output, guard, report);
        break;
      case "bidi_streaming":
        implementation[method.localName] = bidi(handler as AnyBidi, method.output, guard, report);
        break;
      default:
        throw new Error(`${service.typeName}.${method.name}: client streaming is not used here`);
    }
  }
  return { definition: definition(service), implementation };
}

type AnyInit = MessageInitShape<DescMessage>;
type AnyUnary = (request: unknown, context: CallContext) => Promise<AnyInit> | AnyInit;
type AnyServerStream = (request: unknown, context: CallContext) => AsyncIterable<AnyInit>;
type AnyBidi = (stream: Duplex<unknown, AnyInit>, context: CallContext) => Promise<void>;

/** Set by the doorkeeper, whatever the caller says of itself: grpc-js doesn't know the address of a connection that was handed to it. */
export const peerHeader = "stoker-peer";

type ServerCall = Pick<ServerDuplexStream<unknown, unknown>, "metadata" | "getHost" | "getPeer">;
const contextOf = (call: ServerCall, gone: Gone): CallContext => {
  const { metadata } = call;
  const peer = String(metadata.get(peerHeader)[0] ?? call.getPeer());
  return {
    ...{ metadata, authority: call.getHost(), peer, caller: callerOf(metadata) },
    get signal() {
      return gone.signal;
    },
  };
};

function unary(
  handler: AnyUnary,
  output: DescMessage,
  guard: Guard,
  report: (error: unknown) => void,
): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    const gone = new Gone();
    call.on("cancelled", () => gone.abort());
    const run = async () => {
      guard(call.metadata);
      return create(output, await handler(readable(call.request), contextOf(call, gone)));
    };
    run().then(
      (response) => callback(null, response),
      (error: unknown) => callback(toWire(error, report)),
    );
  };
}

function serverStream(
  handler: AnyServerStream,
  output: DescMessage,
  guard: Guard,
  report: (error: unknown) => void,
): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    const gone = new Gone();
    call.on("cancelled", () => gone.abort());
    const run = async () => {
      guard(call.metadata);
      for await (const message of handler(readable(call.request), contextOf(call, gone))) {
        if (gone.signal.aborted) return;
        if (!call.write(create(output, message))) await drained(call, gone.signal);
      }
      call.end();
    };
    run().catch((error: unknown) => {
      if (!gone.signal.aborted) call.emit("error", toWire(error, report));
    });
  };
}

function bidi(
  handler: AnyBidi,
  output: DescMessage,
  guard: Guard,
  report: (error: unknown) => void,
): handleBidiStreamingCall<unknown, unknown> {
  return (call) => {
    const gone = new Gone();
    call.on("cancelled", () => gone.abort());
    call.on("close", () => gone.abort());
    // Without a listener a broken stream would be an uncaught exception; the reader's loop ends by itself.
    call.on("error", () => gone.abort());
    const run = async () => {
      guard(call.metadata);
      const stream: Duplex<unknown, AnyInit> = {
        // The writing side must outlive the last request.
        requests: allReadable(call.iterator({ destroyOnReturn: false })),
        push: (message) => !gone.signal.aborted && call.write(create(output, message)),
        send: async (message) => {
          if (gone.signal.aborted) throw new Fault("unavailable", "the stream is closed");
          if (!call.write(create(output, message))) await drained(call, gone.signal);
        },
        backlog: () => call.writableLength,
        end: () => call.end(),
        fail: (error) => void (gone.signal.aborted || call.emit("error", toWire(error, report))),
      };
      await handler(stream, contextOf(call, gone));
      call.end();
    };
    run().catch((error: unknown) => {
      if (!gone.signal.aborted) call.emit("error", toWire(error, report));
    });
  };
}

async function drained(
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  signal: AbortSignal,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      call.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    call.on("drain", done);
    signal.addEventListener("abort", done);
  });
}

type ClientMethod<M> = M extends { methodKind: "unary" }
  ? (request: Given<M>, options?: CallSettings) => Promise<Sent<M>>
  : M extends { methodKind: "server_streaming" }
    ? (request: Given<M>, options?: CallSettings) => AsyncIterable<Sent<M>>
    : M extends { methodKind: "bidi_streaming" }
      ? (options?: CallSettings) => ClientStream<Given<M>, Sent<M>>
      : never;

export type ServiceClient<S extends DescService> = { [K in keyof Methods<S>]: ClientMethod<Methods<S>[K]> };

export interface CallSettings {
  signal?: AbortSignal;
  timeoutMs?: number;
}

export interface ClientStream<Out, In> {
  responses: AsyncIterable<In>;
  /** False when the buffer is full: hold back until `drain`. */
  push(message: Out): boolean;
  drain(): Promise<void>;
  end(): void;
  cancel(): void;
  /** The call is over: at once when it failed, else when all that came was read. */
  closed: Promise<void>;
}

export interface Connection {
  client<S extends DescService>(service: S): ServiceClient<S>;
  close(): void;
}

/**
 * Connects to `host:port`; nothing is sent before the first call. Failed calls reject with a Fault. `apart`: shares its TCP connection with no
 * other of this process.
 */
export function connect(address: string, { channel: how, metadata }: Credential, { apart = false } = {}): Connection {
  const channel = new Client(address, how, {
    "grpc.max_receive_message_length": 16 * 1024 * 1024,
    "grpc.keepalive_time_ms": 20_000,
    // The coordinator is on the lab's own network; a proxy for the web is never the way to it.
    "grpc.enable_http_proxy": 0,
    // Not an address, which is no name in TLS; what is checked is said by the credential.
    "grpc.ssl_target_name_override": "stoker-coordinator",
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 3_000,
    // What is read here may be a file, from far away: no more than this waits on its way.
    "grpc-node.flow_control_window": 1024 * 1024,
    ...(apart ? { "grpc.use_local_subchannel_pool": 1 } : {}),
  });
  return {
    client: (service) => clientOf(channel, service, metadata),
    close: () => channel.close(),
  };
}

function clientOf<S extends DescService>(channel: Client, service: S, metadata: Metadata): ServiceClient<S> {
  const methods = definition(service);
  const client: Record<string, unknown> = {};
  for (const method of service.methods) {
    const wire = methods[method.localName];
    if (!wire) continue;
    const options = (settings?: CallSettings): CallOptions =>
      settings?.timeoutMs === undefined ? {} : { deadline: Date.now() + settings.timeoutMs };
    const given = (request: AnyInit) => create(method.input, request);
    if (method.methodKind === "unary") {
      client[method.localName] = (request: AnyInit, settings?: CallSettings) =>
        new Promise((resolve, reject) => {
          const call = channel.makeUnaryRequest(
            wire.path,
            wire.requestSerialize,
            wire.responseDeserialize,
            given(request),
            metadata,
            options(settings),
            (error, response) => (error ? reject(fromWire(error)) : resolve(response)),
          );
          settings?.signal?.addEventListener("abort", () => call.cancel(), { once: true });
        });
    } else if (method.methodKind === "server_streaming") {
      client[method.localName] = (request: AnyInit, settings?: CallSettings) =>
        responses(
          channel.makeServerStreamRequest(
            wire.path,
            wire.requestSerialize,
            wire.responseDeserialize,
            given(request),
            metadata,
            options(settings),
          ),
          settings?.signal,
        );
    } else {
      client[method.localName] = (settings?: CallSettings) => {
        const call = channel.makeBidiStreamRequest(
          wire.path,
          wire.requestSerialize,
          wire.responseDeserialize,
          metadata,
          options(settings),
        );
        const stream: ClientStream<AnyInit, unknown> = {
          responses: responses(call, settings?.signal),
          push: (message) => call.write(given(message)),
          drain: () => new Promise((resolve) => call.once("drain", resolve)),
          end: () => call.end(),
          cancel: () => call.cancel(),
          closed: new Promise((resolve) => call.once("status", () => resolve())),
        };
        return stream;
      };
    }
  }
  return client as ServiceClient<S>;
}

function responses(
  call: ClientReadableStream<unknown> | ClientDuplexStream<unknown, unknown>,
  signal: AbortSignal | undefined,
): AsyncIterable<unknown> {
  // Listened to from the start: an error before the first read, or between two, must not be an uncaught exception.
  let failure: unknown;
  call.on("error", (error) => {
    failure ??= error;
  });
  const cancel = () => call.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  if (signal?.aborted) cancel();
  async function* read(): AsyncIterable<unknown> {
    try {
      if (failure === undefined) for await (const message of call) yield message;
    } catch (error) {
      failure ??= error;
    } finally {
      signal?.removeEventListener("abort", cancel);
      call.cancel();
    }
    if (failure !== undefined && !signal?.aborted) throw fromWire(failure);
  }
  return read();
}
