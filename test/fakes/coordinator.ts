import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Server } from "@grpc/grpc-js";
import { authenticate, serverCredentials } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";
import {
  AgentService,
  type Hello,
  type LeaseReport,
  type SessionRequest,
  type SessionResponseSchema,
} from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import { LeaseGrantSchema } from "../../shared/gen/stoker/v1/lease_pb.js";
import { serve } from "../../shared/grpc.js";

type Response = NonNullable<MessageInitShape<typeof SessionResponseSchema>["message"]>;

/** The agents' side of a coordinator, and no more: what it answers is the test's to say. */
export class FakeCoordinator {
  readonly hellos: Hello[] = [];
  readonly messages: SessionRequest["message"][] = [];
  ttlMs = 12_000;
  intervalMs = 200;
  /** Heartbeats are answered. */
  answering = true;
  acknowledging = true;
  /** Reports `LogsStored` for the whole of what a rank has written as soon as it has ended. */
  storing = true;
  kept: "all" | string[] = "all";
  superseded: string[] = [];
  beforeWelcome: Response[] = [];
  private send: ((message: Response) => void) | undefined;
  private end: (() => void) | undefined;
  private server: Server | undefined;

  constructor(readonly token = "secret") {}

  /** On `port`, or on a free one. Returns the address. */
  async start(port = 0): Promise<string> {
    const server = new Server();
    const service = serve(
      AgentService,
      {
        session: (stream) => this.session(stream),
        relay: () => {
          throw new Fault("not-found", "nobody asked for a relay");
        },
      },
      (metadata) => authenticate(metadata, this.token),
      (error) => console.error("fake coordinator:", error),
    );
    server.addService(service.definition, service.implementation);
    this.server = server;
    const bound = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${port}`, serverCredentials(), (error, got) =>
        error ? reject(error) : resolve(got),
      ),
    );
    return `127.0.0.1:${bound}`;
  }

  stop(): void {
    this.server?.forceShutdown();
    this.server = undefined;
    this.send = undefined;
  }

  /** Ends the present session. */
  hangUp(): void {
    this.end?.();
  }

  tell(message: Response): void {
    if (!this.send) throw new Error("no agent is connected");
    this.send(message);
  }

  grant(grant: LeaseGrant): void {
    this.tell({ case: "grant", value: create(LeaseGrantSchema, grant) });
  }

  stopLease(leaseId: string, graceful: boolean): void {
    this.tell({ case: "stop", value: { leaseId, graceful, reason: "the test says so" } });
  }

  get connected(): boolean {
    return this.send !== undefined;
  }

  reports(lease: string): LeaseReport[] {
    const seen = new Set<bigint>();
    return this.messages
      .flatMap((message) => (message.case === "report" && message.value.leaseId === lease ? [message.value] : []))
      .filter(({ sequence }) => !seen.has(sequence) && seen.add(sequence));
  }

  /** What happened, in words: `ready`, `rankExited 0`, `failed JobPreparationFailed 3`, `done`. */
  story(lease: string): string[] {
    return this.reports(lease).map(({ event }) => {
      if (event.case === "rankExited") return `rankExited ${event.value.exitCode}`;
      if (event.case === "failed") return `failed ${event.value.error?.code} ${event.value.exitCode ?? ""}`.trim();
      return event.case ?? "nothing";
    });
  }

  private async session(stream: {
    requests: AsyncIterable<SessionRequest>;
    push(message: MessageInitShape<typeof SessionResponseSchema>): boolean;
    end(): void;
  }): Promise<void> {
    const send = (message: Response) => {
      stream.push({ message });
    };
    let hungUp: () => void = () => {};
    const hangUp = new Promise<void>((resolve) => {
      hungUp = resolve;
    });
    const serveIt = async () => {
      for await (const { message } of stream.requests) {
        this.messages.push(message);
        if (message.case === "hello") {
          this.hellos.push(message.value);
          for (const early of this.beforeWelcome) send(early);
          const held = message.value.leases.map(({ leaseId }) => leaseId);
          const keptLeaseIds = this.kept === "all" ? held : this.kept;
          const { ttlMs, intervalMs } = this;
          send({
            case: "welcome",
            value: { leaseTtlMs: BigInt(ttlMs), heartbeatIntervalMs: BigInt(intervalMs), keptLeaseIds, nodeUuid: "n" },
          });
          this.send = send;
          this.end = hungUp;
        } else this.answer(message, send);
      }
    };
    await Promise.race([serveIt(), hangUp]);
    if (this.send === send) this.send = undefined;
  }

  private answer(message: SessionRequest["message"], send: (message: Response) => void): void {
    if (message.case === "heartbeat" && this.answering) {
      const supersededLeaseIds = this.superseded;
      const renewedLeaseIds = message.value.leases
        .map(({ leaseId }) => leaseId)
        .filter((lease) => !supersededLeaseIds.includes(lease));
      send({
        case: "heartbeatReply",
        value: { sequence: message.value.sequence, renewedLeaseIds, supersededLeaseIds },
      });
    }
    if (message.case !== "report") return;
    const { leaseId, sequence, event } = message.value;
    if (this.acknowledging) send({ case: "reportAck", value: { leaseId, sequence } });
    if (this.storing && event.case === "rankExited") {
      const { rank, stdoutBytes, stderrBytes } = event.value;
      send({ case: "logsStored", value: { leaseId, rank, stream: 1, offset: stdoutBytes } });
      send({ case: "logsStored", value: { leaseId, rank, stream: 2, offset: stderrBytes } });
    }
  }
}
