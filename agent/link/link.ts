import { setTimeout as delay } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import type { Credential } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";
import {
  AgentService,
  type HeartbeatSchema,
  type HelloSchema,
  type SessionResponse,
  type Welcome,
} from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { connect } from "../../shared/grpc.js";
import { whyUnreachable } from "../../shared/unreachable.js";
import type { SessionMessage } from "../ports.js";
import { Backoff } from "./backoff.js";
import { Session } from "./session.js";

export type Received = Exclude<SessionResponse["message"], { case: undefined | "welcome" | "heartbeatReply" }>;

/** What the link asks of and tells the agent. */
export interface LinkHost {
  /** Read anew for each session. Throws a Fault while there is none. */
  credential(): Credential;
  hello(): MessageInitShape<typeof HelloSchema>;
  heartbeat(): Omit<MessageInitShape<typeof HeartbeatSchema>, "sequence" | "answeredSequence" | "$typeName">;
  monotonic(): number;
  /** Why the coordinator is not to be obeyed; undefined when it is, from then on. Without it every one is. */
  objection?(welcome: Welcome): string | undefined;
  /** The coordinator has said that this node is none of its own any more. */
  removed?(): void;
  welcomed(welcome: Welcome, helloSentAt: number, helloLeases: readonly string[]): void;
  heartbeatSent(sequence: bigint, at: number): void;
  heartbeatAnswered(sequence: bigint, renewed: readonly string[], superseded: readonly string[]): void;
  received(message: Received): void;
}

/** A coordinator that refuses our token is asked again, but not often: a person has to act. */
const refusedMs = 10_000;

/** Keeps one session to the coordinator for as long as the agent lives. */
export class Link {
  private readonly stopping = new AbortController();
  private session: Session | undefined;
  private ended: Promise<void> = Promise.resolve();

  constructor(
    private readonly address: string,
    private readonly host: LinkHost,
    private readonly log: Logger,
  ) {}

  /** A session stands. */
  get isConnected(): boolean {
    return this.session !== undefined;
  }

  start(): void {
    this.ended = this.run();
  }

  /** Does nothing without a session: what must arrive is sent again after the next Welcome. */
  report(message: SessionMessage, urgency: "now" | "soon" = "now"): void {
    if (urgency === "now") this.session?.push(message);
    else this.session?.pushSoon(message);
  }

  /** False when there is no session, or it takes no more for now. */
  send(message: SessionMessage): boolean {
    return this.session?.offer(message) ?? false;
  }

  /** The session ends and another begins, whose Hello says what is true now. Leases live on. */
  renew(): void {
    this.session?.close();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.session?.close();
    await this.ended;
  }

  private async run(): Promise<void> {
    const backoff = new Backoff();
    while (!this.stopping.signal.aborted) {
      const waitMs = await this.once(backoff);
      await delay(waitMs, undefined, { signal: this.stopping.signal }).catch((error: unknown) => {
        if (!this.stopping.signal.aborted) throw error;
      });
    }
  }

  /** Undefined while its file is away, which is a person's to mend: what runs here goes on meanwhile. */
  private credential(): Credential | undefined {
    try {
      return this.host.credential();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.log.error({ reason: error.message }, "no session with the coordinator without a credential; trying again");
      return undefined;
    }
  }

  /** One session from dial to end. Returns how long to wait before the next. */
  private async once(backoff: Backoff): Promise<number> {
    const credential = this.credential();
    if (credential === undefined) return backoff.nextMs();
    const connection = connect(this.address, credential);
    const session = new Session(connection.client(AgentService).session(), this.host, this.log, () => {
      backoff.reset();
      this.session = session;
      this.log.info({ coordinator: this.address }, "connected to the coordinator");
    });
    try {
      await session.run(this.stopping.signal);
      if (!this.stopping.signal.aborted) this.log.warn("the coordinator ended the session");
    } catch (error) {
      if (this.stopping.signal.aborted) return 0;
      if (error instanceof Fault && (error.code === "unauthenticated" || error.code === "permission-denied")) {
        this.log.error({ coordinator: this.address }, `the coordinator refuses this agent: ${error.message}`);
        if (error.code === "permission-denied") this.host.removed?.();
        return refusedMs;
      }
      this.log.warn(
        { coordinator: this.address, reason: whyUnreachable(error instanceof Error ? error.message : String(error)) },
        "no session with the coordinator; trying again",
      );
    } finally {
      if (this.session === session) this.session = undefined;
      session.close();
      connection.close();
    }
    return backoff.nextMs();
  }
}
