import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Effect } from "../../../agent/core/effects.js";
import type { LeaseEvent } from "../../../agent/core/events.js";
import type { LeaseRun } from "../../../agent/core/lease-state.js";
import { Engine } from "../../../agent/engine.js";
import type { Ledger } from "../../../agent/ledger.js";
import { Backoff } from "../../../agent/link/backoff.js";
import type { LinkHost, Received } from "../../../agent/link/link.js";
import { heldLease, reportMessage } from "../../../agent/link/messages.js";
import { Session } from "../../../agent/link/session.js";
import type { SessionMessage } from "../../../agent/ports.js";
import { plain } from "../../../shared/credentials.js";
import { Fault } from "../../../shared/fault.js";
import {
  HelloSchema,
  type SessionRequest,
  SessionRequestSchema,
  type SessionResponse,
  type Welcome,
} from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { LeaseGrant } from "../../../shared/gen/stoker/v1/lease_pb.js";
import { type LeaseId, parseLeaseId } from "../../../shared/ids.js";
import { AgentLedger } from "./agent-ledger.js";
import { Deeds } from "./deeds.js";
import { memoryOf } from "./hardware.js";
import { log } from "./log.js";
import type { Machine } from "./machine.js";
import { Preparing } from "./preparing.js";
import { Process } from "./process.js";
import { Connection } from "./stream.js";
import { WitnessPeer, witnessPort } from "./witness-peer.js";

/** The agent's process: its real engine, core and session, with the machine's disk, processes and network around it. As agent.ts joins them. */
export class AgentHost {
  readonly process: Process;
  readonly engine: Engine;
  readonly witnesses: WitnessPeer;
  readonly preparing: Preparing;
  /** Stands still as soon as it waits for an answer. */
  stopsAfterHeartbeat = false;
  private readonly ledger: AgentLedger;
  private readonly deeds: Deeds;
  private readonly backoff: Backoff;
  private readonly stopping = new AbortController();
  private readonly grants: LeaseGrant[] = [];
  private observed: Engine["state"] | undefined;
  private session: Session | undefined;
  private connection: Connection<SessionRequest, SessionResponse> | undefined;

  constructor(readonly machine: Machine) {
    const { world } = machine;
    this.process = new Process(machine.name, world.timeline, machine.clock, world.crashed);
    this.ledger = new AgentLedger(machine, this.process);
    this.backoff = new Backoff(200, 3_000, () => machine.random.next());
    this.deeds = new Deeds(this, (lease, event) => this.tell(lease, event));
    this.engine = new Engine(
      machine.clock,
      this.ledger as unknown as Ledger,
      (run, effect) => {
        if (!this.process.alive) return;
        if (effect.type !== "fence") world.seen(machine.name, () => describe(run, effect));
        this.deeds.perform(run, effect);
      },
      log,
      (effect) => this.process.alive && this.witnesses.perform(effect),
    );
    this.witnesses = new WitnessPeer(this);
    this.preparing = new Preparing(this);
  }

  start(): void {
    this.process.inside(() => {
      this.witnesses.begin();
      this.adopt();
      this.preparing.begin();
      this.dial();
    });
  }

  /** kill -9: its connection is reset by the kernel; what it had asked of the disk may have been done. */
  kill(): void {
    this.process.kill();
    this.ledger.died();
    this.deeds.died();
    this.connection?.client.died();
  }

  /** The machine lost its power. */
  vanish(): void {
    this.process.kill();
    this.connection?.client.vanished();
  }

  holdsFrozen(lease: string): boolean {
    return this.engine.state.leases.get(lease as LeaseId)?.frozen === true;
  }

  /** One that this agent has had before. False when there is none. */
  grantAgain(): boolean {
    if (this.grants.length === 0) return false;
    const grant = this.machine.random.pick(this.grants);
    this.process.take(() => this.engine.post({ type: "grant", grant }));
    return true;
  }

  get isQuiet(): boolean {
    if (!this.connected || !this.process.alive || this.process.stopped || !this.preparing.isSettled) return false;
    for (const { progress, frozen, busy, reports } of this.engine.state.leases.values()) {
      // What it is busy with ends by itself, at a time that is planned; only an end has deadlines of its own.
      const steady =
        progress.phase === "running" || progress.phase === "ready" || (progress.phase === "preparing" && busy);
      if (!steady || frozen || reports.length > 0) return false;
    }
    return true;
  }

  get connected(): boolean {
    return this.session !== undefined;
  }

  /** Its connection breaks, for whatever reason there is in a network. */
  reset(): void {
    this.connection?.client.refused(new Fault("unavailable", "the connection was reset"));
  }

  /** For the coverage: which phases its leases go through. */
  observe(): void {
    const { state } = this.engine;
    if (state === this.observed) return;
    this.observed = state;
    this.machine.world.coverage.lease(this.machine.name, state.leases);
  }

  removeEntry(lease: LeaseId): void {
    this.ledger.remove(lease);
  }

  report(message: SessionMessage): void {
    this.session?.push(message);
  }

  private tell(lease: LeaseId, event: LeaseEvent): void {
    this.process.take(() => this.engine.lease(lease, event));
  }

  private adopt(): void {
    const { machine } = this;
    const now = machine.clock.monotonic();
    for (const { run, boot } of this.ledger.load()) {
      const sameBoot = boot === machine.boot;
      const lastAnswer = sameBoot && machine.noted?.boot === boot ? machine.noted.at : undefined;
      const expiresAt = lastAnswer === undefined ? now : lastAnswer + Number(run.grant.ttlMs);
      this.engine.post({ type: "adopt", run, found: this.deeds.find(run, sameBoot), expiresAt });
    }
    this.engine.post({ type: "tick" });
  }

  /** As Link does it: one session after the other, with waits between. */
  private dial(): void {
    const { world } = this.machine;
    const connection = new Connection<SessionRequest, SessionResponse>(
      world.network,
      this.process,
      { client: this.machine.name, server: "coordinator" },
      () => world.random.chance(0.3),
    );
    this.connection = connection;
    connection.dial(
      () => world.coordinator.listening(),
      (server) => world.coordinator.accept(server),
    );
    const stream = {
      push: ({ message }: MessageInitShape<typeof SessionRequestSchema>) =>
        connection.client.push(create(SessionRequestSchema, { message })),
      responses: connection.client.inbox,
      drain: () => Promise.resolve(),
      end: () => undefined,
      cancel: () => connection.client.shut(new Fault("unavailable", "the agent cancelled the stream")),
    };
    const session = new Session(stream, this.host(), log, () => {
      this.backoff.reset();
      this.session = session;
    });
    const ended = (error?: unknown) => {
      if (this.session === session) this.session = undefined;
      session.close();
      if (!this.process.alive) return;
      if (error !== undefined && !(error instanceof Fault)) throw error;
      this.process.after(this.backoff.nextMs(), "dial again", () => this.dial());
    };
    session
      .run(this.stopping.signal)
      .then(() => ended(), ended)
      .catch(world.crashed);
  }

  private held() {
    return [...this.engine.state.leases.values()].map(heldLease);
  }

  private host(): LinkHost {
    const { machine } = this;
    const { hardware } = machine;
    const hello = () =>
      create(HelloSchema, {
        nodeName: machine.name,
        address: machine.name,
        agentVersion: "simulated",
        bootId: machine.boot,
        inventory: {
          machineClass: "pc",
          prepares: true,
          cpus: hardware.cpus,
          memoryBytes: BigInt(memoryOf(hardware)),
          gpus: Array.from({ length: hardware.gpus }, (_, index) => ({ uuid: `${machine.name}-gpu-${index}`, index })),
        },
        leases: this.held(),
        witnessPort: this.witnesses.on ? witnessPort : 0,
        witnessSet: this.witnessVersion(),
      });
    return {
      credential: () => plain(),
      monotonic: () => machine.clock.monotonic(),
      hello,
      heartbeat: () => ({ leases: this.held(), unhealthyReason: "", witnessSet: this.witnessVersion() }),
      objection: () => undefined,
      welcomed: (welcome, sentAt, leases) => this.welcomed(welcome, sentAt, leases),
      heartbeatSent: (sequence, at) => {
        this.engine.post({ type: "heartbeat-sent", sequence, at });
        if (this.stopsAfterHeartbeat) this.process.after(0, "stop", () => this.process.stop());
        this.stopsAfterHeartbeat = false;
      },
      heartbeatAnswered: (sequence, renewed, superseded) => {
        this.engine.post({
          type: "heartbeat-answered",
          sequence,
          renewed: leaseIds(renewed),
          superseded: leaseIds(superseded),
        });
        this.noteRenewal();
      },
      received: (message) => this.received(message),
    };
  }

  private welcomed(welcome: Welcome, sentAt: number, leases: readonly string[]): void {
    this.machine.world.seen(this.machine.name, "is welcome");
    for (const run of this.engine.state.leases.values()) {
      for (const report of run.reports) this.report(reportMessage(run.id, report));
    }
    this.preparing.welcomed();
    this.engine.post({
      type: "welcome",
      kept: new Set(leaseIds(welcome.keptLeaseIds)),
      named: new Set(leaseIds(leases)),
      sentAt,
      ttlMs: Number(welcome.leaseTtlMs),
    });
    this.noteRenewal();
  }

  private noteRenewal(): void {
    const { answeredAt, leases } = this.engine.state;
    if (answeredAt === undefined || leases.size === 0 || this.machine.ledger.full) return;
    this.machine.noted = { boot: this.machine.boot, at: answeredAt };
  }

  private received(message: Received): void {
    switch (message.case) {
      case "grant":
        this.grants.push(message.value);
        this.engine.post({ type: "grant", grant: message.value });
        if (this.engine.state.leases.size === 1) this.noteRenewal();
        return;
      case "startRanks":
        this.toLease(message.value.leaseId, { type: "start-ranks" });
        return;
      case "stop": {
        const { reason, graceful } = message.value;
        this.toLease(message.value.leaseId, { type: "stop", reason, graceful });
        return;
      }
      case "reportAck":
        this.toLease(message.value.leaseId, { type: "acknowledged", sequence: Number(message.value.sequence) });
        return;
      case "setMounts":
        this.preparing.order(message.value);
        return;
      case "setWitnesses":
        this.witnesses.received(message.value);
        return;
      default:
        return;
    }
  }

  private witnessVersion(): bigint {
    return BigInt(this.witnesses.set?.version ?? 0);
  }

  private toLease(leaseId: string, event: LeaseEvent): void {
    const id = parseLeaseId(leaseId);
    if (id && this.engine.state.leases.has(id.lease)) this.engine.lease(id.lease, event);
  }
}

const leaseIds = (texts: readonly string[]): LeaseId[] => texts.flatMap((text) => parseLeaseId(text)?.lease ?? []);

function describe(run: LeaseRun, effect: Effect): string {
  switch (effect.type) {
    case "note":
      return `${run.id} ${effect.text}`;
    case "report":
      return `${run.id} reports (${effect.report.sequence}) ${effect.report.event.type}`;
    default:
      return `${run.id} ${effect.type}`;
  }
}
