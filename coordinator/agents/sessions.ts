import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import { unreachable } from "../../shared/assert.js";
import { Fault } from "../../shared/fault.js";
import { LogStream, type SessionRequest } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import type { CallContext, Duplex } from "../../shared/grpc.js";
import { nodeId } from "../../shared/ids.js";
import type { NodeEffect } from "../core/effects.js";
import type { AgentEvent } from "../core/events.js";
import type { CatalogLife } from "../core/restored.js";
import { messageOf, type ToAgent } from "./messages.js";
import { type LiveTest, PeerTests } from "./peer-tests.js";
import { type LiveGang, Relay } from "./relay.js";
import { Samples } from "./samples.js";
import type { WitnessKeys } from "./witness-keys.js";

type AgentStream = Duplex<SessionRequest, { message: ToAgent }>;

/** Who is known as which node. */
export interface NodeIdentities {
  hasJoined(node: string): boolean;
  /** A new certificate for the key that the node has, in PEM. Rejects with a Fault. */
  renew(node: string, request: string): Promise<string>;
}

export interface SessionsHost {
  tell(event: AgentEvent): void;
  gang(leaseId: string): LiveGang | undefined;
  test(node: string): LiveTest | undefined;
  /** Where an agent that knows us as `authority` finds NATS. */
  nats(authority: string): { url: string; token: string; byKey: boolean };
  identities: NodeIdentities;
  witnessKeys: WitnessKeys;
  /** A stream speaks for the node, or none does any more. */
  connected(node: string): void;
  disconnected(node: string): void;
  /** A node told how it is. */
  sampled(node: string, sample: Telemetry): void;
  log: Logger;
}

interface Session {
  id: string;
  node: string;
  /** Uuids of the inventory that it began with. */
  gpus: readonly string[];
  stream: AgentStream;
  authority: string;
}

const lifeMessage = ({ catalog, epoch, life }: CatalogLife) => ({ catalog, epoch: BigInt(epoch), life });

/** An agent says who it is at once. */
const helloDeadlineMs = 10_000;
/** Messages of at most 64 KiB that may wait for an agent which reads too slowly; then its stream is cut, and it resumes where it is. */
const backlogMax = 512;
/** Small ones: hours of answers to heartbeats that nobody takes. What matters is said again after the next hello. */
const outstandingMax = 4_096;

/**
 * The streams to the agents: what comes in becomes events, effects become messages. One stream speaks for a node: the core decides which,
 * by the effect `welcome`, and the former one is ended then.
 */
export class Sessions {
  /** By id: every stream that has said hello. */
  private readonly open = new Map<string, Session>();
  /** By node: the stream that speaks for it. */
  private readonly current = new Map<string, Session>();
  private readonly samples = new Samples();
  readonly relay: Relay;
  private readonly tests: PeerTests;

  constructor(private readonly host: SessionsHost) {
    this.relay = new Relay({
      gang: (lease) => host.gang(lease),
      send: (node, message) => this.sendWithin(backlogMax, node, message),
      refused: (node, reason) => host.log.warn({ node, reason }, "remote start refused"),
    });
    this.tests = new PeerTests({
      test: (node) => host.test(node),
      send: (node, message) => this.send(node, message),
      over: (test) => this.relay.leaseOver(test),
      refused: (node, reason) => host.log.warn({ node, reason }, "a word about a test was refused"),
    });
  }

  /** The handler of AgentService.Session. */
  async serve(stream: AgentStream, context: CallContext): Promise<void> {
    const hello = setTimeout(() => {
      stream.fail(new Fault("deadline-exceeded", "an agent's first message is its hello; none came"));
    }, helloDeadlineMs);
    let session: Session | undefined;
    try {
      for await (const request of stream.requests) {
        clearTimeout(hello);
        if (session && request.message.case === "hello") throw new Fault("invalid-argument", "a stream has one hello");
        session ??= this.begin(request, stream, context);
        this.receive(session, request);
      }
    } finally {
      clearTimeout(hello);
      if (session) this.gone(session);
    }
  }

  perform(effect: NodeEffect): void {
    if (effect.kind === "welcome") this.welcome(effect);
    else if (effect.kind === "refuse-session") this.refuse(effect);
    else if (effect.kind === "set-witnesses") this.send(effect.node, this.host.witnessKeys.message(effect));
    else this.send(effect.node, messageOf(effect));
  }

  /** Dropped when the node has no stream: what matters is said again after its next hello. */
  send(node: string, message: ToAgent): boolean {
    return this.sendWithin(outstandingMax, node, message);
  }

  /** These bytes are safe: the node may drop them from its spool. */
  logsStored(
    node: string,
    { jobUuid, attempt, rank, stream }: { jobUuid: string; attempt: number; rank: number; stream: "stdout" | "stderr" },
    offset: number,
  ): void {
    const wire = stream === "stdout" ? LogStream.STDOUT : LogStream.STDERR;
    this.send(node, {
      case: "logsStored",
      value: { leaseId: `${jobUuid}.${attempt}`, rank, stream: wire, offset: BigInt(offset) },
    });
  }

  /** The latest sample of the node; undefined when it never sent one to this process. */
  telemetry(node: string): Telemetry | undefined {
    return this.samples.of(node);
  }

  /** A stream speaks for it now. */
  reaches(node: string): boolean {
    return this.current.has(node);
  }

  /** Every agent connects anew and says what it holds. */
  endAll(reason: string): void {
    for (const session of [...this.open.values()]) session.stream.fail(new Fault("unavailable", reason));
  }

  private begin(request: SessionRequest, stream: AgentStream, context: CallContext): Session {
    if (request.message.case !== "hello") {
      this.host.log.warn(
        { peer: context.peer, got: request.message.case ?? "nothing" },
        "a stream without hello was refused",
      );
      throw new Fault("invalid-argument", "an agent's first message is its hello");
    }
    this.admit(request.message.value.nodeName, context);
    const session = {
      id: randomUUID(),
      node: request.message.value.nodeName,
      gpus: (request.message.value.inventory?.gpus ?? []).map(({ uuid }) => uuid),
      stream,
      authority: context.authority,
    };
    this.open.set(session.id, session);
    return session;
  }

  /** A node speaks for itself alone. */
  private admit(nodeName: string, { caller, peer }: CallContext): void {
    const refuse = (text: string) => {
      this.host.log.warn({ peer, hello: nodeName.slice(0, 80), caller: caller.kind }, text);
      throw new Fault("unauthenticated", text);
    };
    if (caller.kind === "node" && caller.node !== nodeName)
      refuse(`the certificate is node ${caller.node}'s, and the hello is of "${nodeName.slice(0, 80)}"`);
    if (caller.kind === "unproven-node" && this.host.identities.hasJoined(nodeName))
      refuse(`node ${nodeName} has joined: its agent shows its certificate, or is not its agent`);
  }

  private async renew({ node }: Session, request: string): Promise<void> {
    try {
      const certificate = await this.host.identities.renew(node, request);
      this.send(node, { case: "certificateRenewed", value: { certificate } });
      this.host.log.info({ node }, "the node's certificate was renewed");
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.host.log.warn({ node, reason: error.message }, "a certificate was not renewed");
    }
  }

  private receive(session: Session, request: SessionRequest): void {
    const { message } = request;
    const { id, node } = session;
    switch (message.case) {
      case "hello":
        this.host.tell({ kind: "agent-hello", session: id, freshNode: nodeId(randomUUID()), hello: message.value });
        return;
      case "heartbeat":
        if (message.value.telemetry && this.current.get(node) === session) this.keep(session, message.value.telemetry);
        this.host.tell({ kind: "agent-heartbeat", session: id, node, heartbeat: message.value });
        return;
      case "preparation":
        this.host.tell({ kind: "agent-preparation", session: id, node, report: message.value });
        return;
      case "exportStates":
        this.host.tell({ kind: "agent-exports", session: id, node, states: message.value });
        return;
      case "testResult":
        this.host.tell({ kind: "agent-test", session: id, node, result: message.value });
        return;
      case "report":
        this.host.tell({ kind: "agent-report", session: id, node, report: message.value });
        return;
      case "renewCertificate":
        if (this.current.get(node) !== session) return;
        this.renew(session, message.value.certificateRequest).catch((error: unknown) =>
          this.host.log.error({ err: error, node }, "a certificate could not be renewed"),
        );
        return;
      case undefined:
        this.host.log.warn({ node }, "a message of no known kind was ignored");
        return;
      default:
        // The rest is between agents, and only the stream that speaks for the node takes part.
        if (this.current.get(node) === session) this.pass(node, message);
        else
          this.host.log.warn(
            { node, kind: message.case },
            "a message of a stream that does not speak for its node was ignored",
          );
    }
  }

  private pass(
    node: string,
    message: Extract<
      SessionRequest["message"],
      { case: "remoteStart" | "remoteOutput" | "remoteExit" | "testServe" | "peerTestResult" }
    >,
  ): void {
    switch (message.case) {
      case "remoteStart":
        this.relay.start(node, message.value);
        return;
      case "remoteOutput":
        this.relay.output(node, message.value);
        return;
      case "remoteExit":
        this.relay.exit(node, message.value);
        return;
      case "testServe":
      case "peerTestResult":
        this.tests.pass(node, message);
        return;
      default:
        unreachable(message);
    }
  }

  private keep({ node, gpus }: Session, said: Telemetry): void {
    const sample = this.samples.take(node, gpus, said);
    if (sample) this.host.sampled(node, sample);
    else this.host.log.warn({ node }, "a sample of telemetry was too large and is not shown");
  }

  private welcome(effect: Extract<NodeEffect, { kind: "welcome" }>): void {
    const session = this.open.get(effect.session);
    if (!session) return;
    const former = this.current.get(effect.node);
    this.current.set(effect.node, session);
    if (former && former !== session) {
      this.host.log.info({ node: effect.node }, "a newer stream speaks for the node; the former one is ended");
      former.stream.fail(new Fault("failed-precondition", "a newer agent speaks for this node"));
    }
    const { url, token, byKey } = this.host.nats(session.authority);
    session.stream.push({
      message: {
        case: "welcome",
        value: {
          nodeUuid: effect.nodeUuid,
          leaseTtlMs: BigInt(effect.leaseTtlMs),
          heartbeatIntervalMs: BigInt(effect.heartbeatIntervalMs),
          natsUrl: url,
          natsToken: token,
          natsByKey: byKey,
          keptLeaseIds: [...effect.keptLeaseIds],
          undecidedLeaseIds: [...effect.undecidedLeaseIds],
          ...(effect.life ? { life: lifeMessage(effect.life) } : {}),
        },
      },
    });
    this.host.log.info({ node: effect.node, authority: session.authority }, "agent connected");
    this.relay.connected(effect.node);
    this.host.connected(effect.node);
  }

  private refuse(effect: Extract<NodeEffect, { kind: "refuse-session" }>): void {
    this.host.log.warn({ node: effect.node.slice(0, 100), reason: effect.reason }, "agent refused");
    this.open.get(effect.session)?.stream.fail(new Fault("failed-precondition", effect.reason));
  }

  private gone(session: Session): void {
    this.open.delete(session.id);
    if (this.current.get(session.node) === session) {
      this.current.delete(session.node);
      this.host.log.info({ node: session.node }, "agent disconnected");
      this.host.disconnected(session.node);
    }
    this.host.tell({ kind: "agent-gone", session: session.id, node: session.node });
  }

  private sendWithin(most: number, node: string, message: ToAgent): boolean {
    const session = this.current.get(node);
    if (!session) return false;
    if (session.stream.backlog() > most) {
      this.host.log.warn({ node }, "the agent reads too slowly; its stream is cut, and it resumes where it is");
      session.stream.fail(new Fault("resource-exhausted", "the agent reads too slowly; connect again"));
      return false;
    }
    session.stream.push({ message });
    return true;
  }
}
