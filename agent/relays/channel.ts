import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RelayRequestSchema, RelayResponse } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { ClientStream } from "../../shared/grpc.js";
import type { FromUser, RelayChannel, ToUser } from "../relay-ports.js";

type Stream = ClientStream<MessageInitShape<typeof RelayRequestSchema>, RelayResponse>;

/** A relay's stream as whoever does the work sees it. */
export class Channel implements RelayChannel {
  readonly received: AsyncIterable<FromUser>;
  readonly signal: AbortSignal;
  private readonly aborted: Promise<void>;

  constructor(
    private readonly stream: Stream,
    stop: AbortController,
  ) {
    this.signal = stop.signal;
    this.aborted = new Promise((resolve) => stop.signal.addEventListener("abort", () => resolve(), { once: true }));
    void stream.closed.then(() => stop.abort());
    this.received = this.read();
  }

  async send(message: ToUser): Promise<void> {
    if (this.signal.aborted) return;
    if (!this.stream.push({ message })) await Promise.race([this.stream.drain(), this.aborted]);
  }

  private async *read(): AsyncGenerator<FromUser> {
    try {
      for await (const { message } of this.stream.responses) yield message;
    } catch (error) {
      // The user is gone: `signal` tells.
      if (!this.signal.aborted) await this.stream.closed;
      if (!this.signal.aborted) throw error;
    }
  }
}
