import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "../../shared/fault.js";
import type { RelayRequest, RelayResponseSchema } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { OpenRelaySchema } from "../../shared/gen/stoker/v1/relay_pb.js";
import type { CallContext, Duplex } from "../../shared/grpc.js";
import { AgentRelay } from "./agent-relay.js";

type Stream = Duplex<RelayRequest, MessageInitShape<typeof RelayResponseSchema>>;
export type RelayPurpose = NonNullable<MessageInitShape<typeof OpenRelaySchema>["purpose"]>;

export interface RelaysHost {
  /** By the agent's session; false when it has none. */
  order(node: string, order: { relayId: string; purpose: RelayPurpose }): boolean;
}

/** Each may hold some megabytes that a slow user has not taken. */
const relaysMax = 1_000;
/** An agent that was asked and does not come. */
const takenWithinMs = 10_000;
/** A slow machine is what a doctor is sent to: as long as its agent is heard, it may take longer than somebody at a terminal would wait. */
const takenByIllWithinMs = 60_000;
/** An agent whose session has ended has so long to come back before its users are told. */
const awayMs = 15_000;

interface Waiting {
  readonly node: string;
  /** Its agent has said something since it was asked. */
  heard: boolean;
  taken(relay: AgentRelay): void;
  refused(fault: Fault): void;
}

/**
 * One stream of an agent for each user of a node: asked for by the agent's session, joined here to the user's call. Nothing of them is kept, in
 * memory or on disk, beyond what is on its way.
 */
export class Relays {
  private readonly waiting = new Map<string, Waiting>();
  private readonly open = new Set<AgentRelay>();
  private readonly away = new Map<string, NodeJS.Timeout>();

  constructor(private readonly host: RelaysHost) {}

  /** Rejects with a Fault when the node can't be reached. The caller closes it. */
  async ask(node: string, purpose: RelayPurpose, signal: AbortSignal): Promise<AgentRelay> {
    if (this.waiting.size + this.open.size >= relaysMax) {
      throw new Fault(
        "resource-exhausted",
        `the coordinator serves ${relaysMax} such calls at once, the most that it does: try again later`,
      );
    }
    const relayId = randomUUID();
    const unreachable = (why: string) => new Fault("unavailable", `node ${node} can't be reached: ${why}`);
    return new Promise<AgentRelay>((resolve, reject) => {
      const end = () => {
        clearTimeout(limit);
        signal.removeEventListener("abort", called);
        this.waiting.delete(relayId);
      };
      const refused = (fault: Fault) => {
        end();
        reject(fault);
      };
      const called = () => refused(new Fault("unavailable", "the call was ended"));
      const late = (limitMs: number) => {
        const seconds = limitMs / 1000;
        if (!waiting.heard) refused(unreachable(`its agent has said nothing for ${seconds} s`));
        else if (purpose.case === "doctor" && limitMs < takenByIllWithinMs)
          limit = setTimeout(() => late(takenByIllWithinMs), takenByIllWithinMs - limitMs);
        else
          refused(
            unreachable(`its agent is heard, but did not come within ${seconds} s (one before 0.3 does not know how)`),
          );
      };
      let limit = setTimeout(() => late(takenWithinMs), takenWithinMs);
      const taken = (relay: AgentRelay) => {
        end();
        resolve(relay);
      };
      const waiting: Waiting = { node, heard: false, taken, refused };
      this.waiting.set(relayId, waiting);
      signal.addEventListener("abort", called, { once: true });
      if (signal.aborted) called();
      else if (!this.host.order(node, { relayId, purpose })) refused(unreachable("its agent is not connected"));
    });
  }

  /** The handler of AgentService.Relay. */
  async serve(stream: Stream, context: CallContext): Promise<void> {
    const requests = stream.requests[Symbol.asyncIterator]();
    const hello = setTimeout(() => {
      stream.fail(new Fault("deadline-exceeded", "a relay's first message is its hello; none came"));
    }, takenWithinMs);
    const first = await requests.next();
    clearTimeout(hello);
    if (first.done || first.value.message.case !== "hello")
      throw new Fault("invalid-argument", "a relay's first message is its hello");
    const { relayId, nodeName } = first.value.message.value;
    const { caller } = context;
    if (caller.kind === "node" && caller.node !== nodeName)
      throw new Fault("unauthenticated", `the certificate is node ${caller.node}'s, and the relay of ${nodeName}`);
    const waiting = this.waiting.get(relayId);
    if (waiting?.node !== nodeName) throw new Fault("not-found", "nobody waits for this relay any more");
    const relay = new AgentRelay(nodeName, stream, requests, context.signal);
    this.open.add(relay);
    waiting.taken(relay);
    await relay.over;
    this.open.delete(relay);
  }

  /** The node has sent a heartbeat. */
  heard(node: string): void {
    for (const each of this.waiting.values()) if (each.node === node) each.heard = true;
  }

  /** The node's session has ended. */
  gone(node: string): void {
    for (const each of [...this.waiting.values()]) {
      if (each.node === node) each.refused(new Fault("unavailable", `node ${node} went away`));
    }
    if (this.away.has(node) || ![...this.open].some((relay) => relay.node === node)) return;
    const timer = setTimeout(() => {
      this.away.delete(node);
      for (const relay of [...this.open]) if (relay.node === node) relay.lose();
    }, awayMs);
    this.away.set(node, timer);
  }

  back(node: string): void {
    clearTimeout(this.away.get(node));
    this.away.delete(node);
  }

  close(): void {
    for (const timer of this.away.values()) clearTimeout(timer);
    for (const each of [...this.waiting.values()])
      each.refused(new Fault("unavailable", "the coordinator is stopping"));
    for (const relay of [...this.open]) relay.lose();
  }
}
