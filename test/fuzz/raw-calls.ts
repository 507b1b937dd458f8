import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Client, type ClientReadableStream, type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { bearer, plain } from "../../shared/credentials.js";

const asIs = (bytes: Buffer) => bytes;
const limitMs = 20_000;

/** Calls with any bytes as their message; what comes back is only how it ended. */
export class RawCalls {
  private readonly client: Client;

  constructor(
    address: string,
    private readonly metadata: Metadata = bearer(""),
    channel = plain().channel,
    /** A stream that says nothing is ended here after so long. */
    private readonly silenceMs = 300,
  ) {
    this.client = new Client(address, channel, {
      "grpc.max_receive_message_length": 64 << 20,
      "grpc.enable_http_proxy": 0,
      // Not an address, which is no name in TLS.
      "grpc.ssl_target_name_override": "stoker-coordinator",
    });
  }

  /** A stream that goes on is ended here after its first message: that it began is enough. */
  call(
    service: DescService,
    method: DescMethod,
    messages: readonly Uint8Array[],
  ): Promise<{ code: status; details: string }> {
    const path = `/${service.typeName}/${method.name}`;
    const options = { deadline: Date.now() + limitMs };
    const [first = new Uint8Array()] = messages;
    return new Promise((resolve) => {
      const end = (error: ServiceError | null) =>
        resolve({ code: error?.code ?? status.OK, details: error?.details ?? "" });
      if (method.methodKind === "unary") {
        this.client.makeUnaryRequest(path, asIs, asIs, Buffer.from(first), this.metadata, options, end);
        return;
      }
      const listen = (call: ClientReadableStream<Buffer>) => {
        call.on("data", () => call.cancel());
        call.on("error", (error: ServiceError) => end(error));
        call.on("end", () => end(null));
      };
      if (method.methodKind === "server_streaming") {
        const call = this.client.makeServerStreamRequest(path, asIs, asIs, Buffer.from(first), this.metadata, options);
        listen(call);
        // A log that is followed before anything was written says nothing.
        setTimeout(() => call.cancel(), this.silenceMs).unref();
        return;
      }
      const call = this.client.makeBidiStreamRequest(path, asIs, asIs, this.metadata, options);
      listen(call);
      for (const message of messages) call.write(Buffer.from(message));
      call.end();
    });
  }

  /** Begun, but its message is to come yet, by calling what this gives. */
  hold(service: DescService, method: DescMethod): (message: Uint8Array) => Promise<{ code: status; details: string }> {
    const path = `/${service.typeName}/${method.name}`;
    const call = this.client.makeBidiStreamRequest(path, asIs, asIs, this.metadata, { deadline: Date.now() + limitMs });
    const ended = new Promise<{ code: status; details: string }>((resolve) => {
      call.on("data", () => undefined);
      call.on("error", (error: ServiceError) => resolve({ code: error.code, details: error.details }));
      call.on("end", () => resolve({ code: status.OK, details: "" }));
    });
    return (message) => {
      call.write(Buffer.from(message));
      call.end();
      return ended;
    };
  }

  close(): void {
    this.client.close();
  }
}
