import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Sessions } from "../../../coordinator/agents/sessions.js";
import { WitnessKeys } from "../../../coordinator/agents/witness-keys.js";
import { apply } from "../../../coordinator/core/apply.js";
import type { Change } from "../../../coordinator/core/changes.js";
import type { Effect } from "../../../coordinator/core/effects.js";
import type { ApiEvent } from "../../../coordinator/core/events.js";
import type { State } from "../../../coordinator/core/memory.js";
import { Engine } from "../../../coordinator/engine.js";
import { Fault } from "../../../shared/fault.js";
import {
  type SessionRequest,
  type SessionResponse,
  SessionResponseSchema,
} from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { CallContext } from "../../../shared/grpc.js";
import { Catalog } from "./catalog.js";
import { log } from "./log.js";
import { Died, LocalClock, Process } from "./process.js";
import type { End } from "./stream.js";
import type { World } from "./world.js";

/** Where the next commit kills the coordinator. */
export type Doom = "before the commit" | "after the commit" | "among the effects";

type Server = End<SessionRequest, SessionResponse>;

/** The coordinator's process: its real engine, core and sessions over rows that outlive it. As coordinator.ts joins them. */
export class CoordinatorHost {
  readonly catalog: Catalog;
  doom: Doom | undefined;
  private readonly clock: LocalClock;
  private process: Process | undefined;
  private engine: Engine | undefined;
  private sessions: Sessions | undefined;
  private ends = new Set<Server>();
  private effectsLeft = Number.POSITIVE_INFINITY;

  constructor(
    private readonly world: World,
    rate: number,
  ) {
    this.clock = new LocalClock(world.timeline, rate, 1_000_000);
    this.catalog = new Catalog({
      committing: () => this.dieAt("before the commit"),
      written: (before, change) => world.coverage.row(before, change),
      committed: (changes) => {
        if (this.engine) world.checker.committed(this.engine.state, changes);
        if (changes.some(({ kind }) => kind === "put")) {
          this.dieAt("after the commit");
          if (this.doom === "among the effects") this.effectsLeft = world.random.int(0, 3);
        }
      },
    });
  }

  get state(): State | undefined {
    return this.process?.alive ? this.engine?.state : undefined;
  }

  get now(): number {
    return this.engine?.now() ?? 0;
  }

  /** Why nothing can be written; undefined while it can. */
  get readOnly(): string | undefined {
    return this.process?.alive ? this.engine?.readOnly : undefined;
  }

  get stopped(): boolean {
    return this.process?.stopped === true;
  }

  /** For how long nothing will happen here but heartbeats that are answered; 0 when something is going on. */
  quietMs(): number {
    const { state, now } = this;
    if (!state || this.stopped || this.doom || this.catalog.full || now < state.clock.graceUntil) return 0;
    const newest = Math.max(0, ...state.witnessSets.keys());
    for (const { uuid, lost, witnessSets } of state.nodes.values()) {
      const liveness = state.liveness.get(uuid);
      if (lost || !liveness || liveness.session === "" || liveness.missing) return 0;
      if (state.witnessSets.size > 1 || (witnessSets ?? []).some((version) => version !== newest)) return 0;
    }
    let quiet = Number.POSITIVE_INFINITY;
    for (const active of state.index.active.values()) {
      for (const uuid of active.values()) {
        const job = state.jobs.get(uuid);
        if (job?.state.kind !== "running" && job?.state.kind !== "preparing") return 0;
        quiet = Math.min(quiet, job.state.lease.grantedAt + job.request.wallClockMs - now);
      }
    }
    return quiet;
  }

  /** As if every heartbeat of that time had come and been answered, and every tick had found nothing to do. */
  skipped(trueMs: number): void {
    const { state } = this;
    if (!state) return;
    const ms = Math.round(trueMs * this.clock.rate);
    const heard = [...state.liveness].map(([node, before]): Change => {
      const { from, to, answered } = before.coverage;
      const coverage = { from, to: to + ms, answered: answered.map((one) => ({ ...one, at: one.at + ms })) };
      return {
        kind: "liveness",
        node,
        liveness: { ...before, heardAt: before.heardAt + ms, coverage },
        roomChanged: false,
      };
    });
    const { tickedAt, graceUntil } = state.clock;
    apply(state, [...heard, { kind: "ticked", at: tickedAt + ms, graceUntil }]);
  }

  jumpClock(ms: number): void {
    this.clock.jump(ms);
  }

  boot(): void {
    if (this.process?.alive) return;
    const { world } = this;
    const process = new Process("coordinator", world.timeline, this.clock, world.crashed);
    this.process = process;
    this.ends = new Set();
    this.doom = undefined;
    this.effectsLeft = Number.POSITIVE_INFINITY;
    process.inside(() => {
      const engine: Engine = new Engine({
        rows: this.catalog,
        settings: world.settings,
        clock: this.clock,
        log,
        perform: (effect) => process.alive && this.perform(effect),
        rebuilt: () => this.sessions?.endAll("the coordinator went back to what is on its disk"),
      });
      this.engine = engine;
      this.sessions = new Sessions({
        tell: (event) => engine.tell(event),
        gang: () => undefined,
        test: () => undefined,
        nats: () => ({ url: "", token: "", byKey: false }),
        identities: { hasJoined: () => false, renew: () => Promise.reject(new Error("nobody has a certificate here")) },
        witnessKeys: new WitnessKeys("simulation"),
        // No users of nodes here.
        connected: () => undefined,
        disconnected: () => undefined,
        sampled: () => undefined,
        log,
      });
      world.checker.loaded(engine.state);
      engine.start();
    });
  }

  kill(): void {
    if (!this.process?.alive) return;
    this.process.kill();
    this.engine = undefined;
    for (const end of this.ends) end.died();
  }

  /** Its machine lost its power. */
  vanish(): void {
    if (!this.process?.alive) return;
    this.process.kill();
    this.engine = undefined;
    for (const end of this.ends) end.vanished();
  }

  stop(): void {
    this.process?.stop();
  }

  go(inputFirst: boolean): void {
    this.process?.go(inputFirst);
  }

  listening(): Process | undefined {
    return this.process?.alive ? this.process : undefined;
  }

  accept(end: Server): void {
    const { process, sessions } = this;
    if (!process || !sessions) return;
    this.ends.add(end);
    const stream = {
      requests: end.inbox,
      push: (message: MessageInitShape<typeof SessionResponseSchema>) =>
        end.push(create(SessionResponseSchema, message)),
      send: () => Promise.resolve(),
      backlog: () => 0,
      end: () => undefined,
      fail: (fault: Fault) => end.shut(fault),
    };
    const caller = { kind: "unproven-node" } as const;
    const context = { authority: "coordinator", peer: end.process.name, caller } as CallContext;
    sessions
      .serve(stream as unknown as Parameters<Sessions["serve"]>[0], context)
      .catch((error: unknown) => {
        // As shared/grpc.ts: a stream that its reader broke off ends with the reason.
        if (error instanceof Fault) end.shut(error);
        else this.world.crashed(error);
      })
      .finally(() => this.ends.delete(end));
  }

  /** A call of the API: the answer, or nothing when the coordinator is gone before it. */
  call(event: ApiEvent, answer: (result: string | undefined | Fault) => void): void {
    const { process } = this;
    process?.take(() => {
      const { engine } = this;
      if (!engine) return;
      const alive = () => process.alive && this.process === process;
      engine.ask(event).then(
        (subject) => {
          if (!alive()) return;
          this.world.checker.acknowledged(event, subject);
          answer(subject);
        },
        (error: unknown) => {
          if (!alive()) return;
          if (error instanceof Fault) answer(error);
          else this.world.crashed(error);
        },
      );
    });
  }

  private perform(effect: Effect): void {
    this.effectsLeft -= 1;
    if (this.effectsLeft < 0) {
      this.kill();
      return;
    }
    if (effect.kind === "job-changed" || effect.kind === "job-deleted" || effect.kind === "node-changed") return;
    if (effect.kind === "announcement" || effect.kind === "identity-changed") return;
    if (effect.kind !== "heartbeat-reply") this.world.seen("coordinator", () => describe(effect));
    if (effect.kind !== "ignored") this.sessions?.perform(effect);
  }

  private dieAt(where: Doom): void {
    if (this.doom !== where) return;
    this.world.seen("fault", `the coordinator dies ${where}`);
    this.kill();
    throw new Died();
  }
}

function describe(effect: Effect): string {
  switch (effect.kind) {
    case "grant-lease":
      return `grants ${effect.grant.leaseId} to ${effect.node}`;
    case "start-ranks":
      return `starts ${effect.lease} on ${effect.node}`;
    case "stop-lease":
      return `stops ${effect.lease} on ${effect.node}: ${effect.reason}`;
    case "welcome":
      return `welcomes ${effect.node}, which keeps ${effect.keptLeaseIds.join(" ") || "nothing"}`;
    case "ignored":
      return `does not believe ${effect.node}: ${effect.reason}`;
    case "ack-report":
      return `acknowledges report ${effect.sequence} of ${effect.lease} to ${effect.node}`;
    default:
      return effect.kind;
  }
}
