import type { MessageInitShape } from "@bufbuild/protobuf";
import { bearer, type Credential, plain } from "../../shared/credentials.js";
import {
  AgentService,
  type HeldLeaseSchema,
  type Hello,
  type RelayRequestSchema,
  type SessionRequestSchema,
  type SessionResponse,
} from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { InventorySchema, TelemetrySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { type ClientStream, connect } from "../../shared/grpc.js";
import { until } from "./until.js";

type HelloChanges = Partial<Pick<Hello, "address" | "bootId" | "agentVersion">> & {
  leases?: HeldInit[];
  inventory?: MessageInitShape<typeof InventorySchema>;
};
type HeldInit = MessageInitShape<typeof HeldLeaseSchema>;
type Sent = MessageInitShape<typeof SessionRequestSchema>["message"];
type RelaySaid = MessageInitShape<typeof RelayRequestSchema>["message"];
type Received = Exclude<SessionResponse["message"], { case: undefined }>;

type Heard<C extends Received["case"]> = Extract<Received, { case: C }>["value"];

/** An agent at the network boundary: says what a test tells it to say, and keeps what it hears. */
export class FakeAgent {
  readonly heard: Received[] = [];
  /** Why the stream ended; undefined while it is open. */
  ended: string | undefined;
  private readonly connection;
  private readonly stream: ClientStream<MessageInitShape<typeof SessionRequestSchema>, SessionResponse>;
  private sequence = 0n;
  private taken: ((relayId: string) => void) | undefined;

  /** `credential`: the shared token, or a node's own. */
  constructor(address: string, credential: string | Credential) {
    this.connection = connect(address, typeof credential === "string" ? plain(bearer(credential)) : credential);
    this.stream = this.connection.client(AgentService).session();
    this.listen().then(
      () => {
        this.ended ??= "closed";
      },
      (error: unknown) => {
        this.ended = error instanceof Error ? error.message : String(error);
      },
    );
  }

  send(message: Sent): void {
    this.stream.push({ message });
  }

  hello(nodeName: string, changes: HelloChanges = {}): void {
    this.send({
      case: "hello",
      value: {
        nodeName,
        address: "127.0.0.1",
        agentVersion: "fake",
        bootId: "boot-1",
        inventory: { machineClass: "fake", cpus: 4, memoryBytes: 8n * 1024n ** 3n },
        ...changes,
      },
    });
  }

  heartbeat(telemetry: MessageInitShape<typeof TelemetrySchema> = { load1: 0.5 }): void {
    this.sequence += 1n;
    this.send({ case: "heartbeat", value: { sequence: this.sequence, telemetry } });
  }

  /** The first message of that kind that satisfies the condition; waits for it. */
  async hears<C extends Received["case"]>(
    kind: C,
    condition: (value: Heard<C>) => boolean = () => true,
  ): Promise<Heard<C>> {
    const fits = (message: Received) => message.case === kind && condition(message.value as Heard<C>);
    const found = await until(`${kind} from the coordinator`, () => this.heard.find(fits));
    return found.value as Heard<C>;
  }

  /** From now on it comes for what users ask of the node, says this, and leaves. */
  takeRelays(nodeName: string, say: () => RelaySaid[]): void {
    this.taken = (relayId) => {
      const relay = this.connection.client(AgentService).relay();
      relay.push({ message: { case: "hello", value: { relayId, nodeName } } });
      for (const message of say()) relay.push({ message });
      relay.end();
      // The user may have left.
      relay.closed.catch(() => undefined);
    };
  }

  close(): void {
    this.stream.cancel();
    this.connection.close();
  }

  private async listen(): Promise<void> {
    for await (const { message } of this.stream.responses) {
      if (message.case !== undefined) this.heard.push(message);
      if (message.case === "openRelay") this.taken?.(message.value.relayId);
    }
  }
}
