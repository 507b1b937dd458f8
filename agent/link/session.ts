import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import { Fault } from "../../shared/fault.js";
import type {
  HeartbeatReply,
  SessionRequestSchema,
  SessionResponse,
  Welcome,
} from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { ClientStream } from "../../shared/grpc.js";
import type { SessionMessage } from "../ports.js";
import type { LinkHost } from "./link.js";

type Stream = Omit<ClientStream<MessageInitShape<typeof SessionRequestSchema>, SessionResponse>, "closed">;

const welcomeWithinMs = 5_000;
const shortestIntervalMs = 50;
const longestTtlMs = 3_600_000;
/** So long a message that nobody waits for may wait for another one. */
const holdMs = 50;

/** One stream, from Hello to its end. */
export class Session {
  private sequence = 0n;
  private welcomed = false;
  private full = false;
  private lastAnswerAt = 0;
  /** The newest whose answer was taken in: what the coordinator is told must be true by then. */
  private answeredSequence = 0n;
  private heartbeats: NodeJS.Timeout | undefined;
  private failure: Fault | undefined;
  private held: SessionMessage[] = [];
  private holding: NodeJS.Timeout | undefined;

  constructor(
    private readonly stream: Stream,
    private readonly host: LinkHost,
    private readonly log: Logger,
    private readonly opened: () => void,
  ) {}

  /** Ends when the coordinator ends it; rejects with a Fault when it breaks or makes no sense. */
  async run(stopping: AbortSignal): Promise<void> {
    const hello = this.host.hello();
    const leases = (hello.leases ?? []).map(({ leaseId }) => leaseId ?? "");
    const sentAt = this.host.monotonic();
    this.lastAnswerAt = sentAt;
    this.stream.push({ message: { case: "hello", value: hello } });
    const timer = setTimeout(() => this.break("it did not answer Hello"), welcomeWithinMs);
    try {
      for await (const { message } of this.stream.responses) {
        if (stopping.aborted) return;
        if (message.case === "welcome") {
          clearTimeout(timer);
          this.welcome(message.value, sentAt, leases);
        } else if (!this.welcomed) {
          throw new Fault("failed-precondition", `it sent ${message.case ?? "nothing"} before Welcome`);
        } else if (message.case === "heartbeatReply") {
          this.answered(message.value);
        } else if (message.case === undefined) {
          this.log.warn("an empty or unknown message of the coordinator was refused");
        } else {
          this.host.received(message);
        }
      }
    } catch (error) {
      throw this.failure ?? error;
    } finally {
      clearTimeout(timer);
      clearTimeout(this.holding);
      clearInterval(this.heartbeats);
    }
    if (this.failure) throw this.failure;
  }

  /** For what is small and must go: heartbeats and reports. */
  push(message: SessionMessage): void {
    this.letGo();
    this.write(message);
  }

  /** The same, with whatever goes next: by itself it would cost both sides as much as a whole batch does. */
  pushSoon(message: SessionMessage): void {
    this.held.push(message);
    this.holding ??= setTimeout(() => this.letGo(), holdMs);
  }

  offer(message: SessionMessage): boolean {
    if (this.full) return false;
    this.push(message);
    return true;
  }

  close(): void {
    clearInterval(this.heartbeats);
    this.stream.cancel();
  }

  private letGo(): void {
    clearTimeout(this.holding);
    this.holding = undefined;
    for (const message of this.held.splice(0)) this.write(message);
  }

  private write(message: SessionMessage): void {
    if (this.stream.push({ message }) || this.full) return;
    this.full = true;
    void this.stream.drain().then(() => {
      this.full = false;
    });
  }

  private welcome(welcome: Welcome, sentAt: number, leases: readonly string[]): void {
    const ttlMs = Number(welcome.leaseTtlMs);
    const intervalMs = Number(welcome.heartbeatIntervalMs);
    if (this.welcomed) {
      this.log.warn("a second Welcome in one session was refused");
      return;
    }
    if (!(intervalMs >= shortestIntervalMs && ttlMs > intervalMs && ttlMs <= longestTtlMs)) {
      throw new Fault(
        "invalid-argument",
        `its Welcome makes no sense: heartbeats every ${intervalMs} ms for leases of ${ttlMs} ms`,
      );
    }
    const objection = this.host.objection?.(welcome);
    if (objection !== undefined) throw new Fault("failed-precondition", objection);
    this.welcomed = true;
    this.opened();
    this.host.welcomed(welcome, sentAt, leases);
    const silenceMs = Math.max(2.5 * intervalMs, Math.min(1_000, ttlMs / 2));
    this.lastAnswerAt = this.host.monotonic();
    this.heartbeats = setInterval(() => this.beat(silenceMs), intervalMs);
    // At once: only a heartbeat shows that Welcome came, and from then on this node can vouch for the coordinator.
    this.beat(silenceMs);
  }

  private beat(silenceMs: number): void {
    const at = this.host.monotonic();
    // gRPC does not notice a peer that is frozen or cut off; unanswered heartbeats do.
    if (at - this.lastAnswerAt > silenceMs) {
      this.break(`no heartbeat was answered for ${Math.round(at - this.lastAnswerAt)} ms`);
      return;
    }
    this.sequence += 1n;
    this.host.heartbeatSent(this.sequence, at);
    this.push({
      case: "heartbeat",
      value: { ...this.host.heartbeat(), sequence: this.sequence, answeredSequence: this.answeredSequence },
    });
  }

  private answered({ sequence, renewedLeaseIds, supersededLeaseIds }: HeartbeatReply): void {
    this.lastAnswerAt = this.host.monotonic();
    this.host.heartbeatAnswered(sequence, renewedLeaseIds, supersededLeaseIds);
    if (sequence > this.answeredSequence) this.answeredSequence = sequence;
  }

  private break(why: string): void {
    this.failure ??= new Fault("unavailable", why);
    this.close();
  }
}
