import { unreachable } from "../../shared/assert.js";
import type { LeaseGrant } from "../../shared/gen/stoker/v1/lease_pb.js";
import { type LeaseId, parseLeaseId } from "../../shared/ids.js";
import { adopt } from "./adopt.js";
import { type LeaseEffects, type LeaseStep, stronger } from "./effects.js";
import type { AgentEvent, LeaseEvent } from "./events.js";
import { refuseGrant } from "./grant.js";
import { nextDeadline } from "./lapse.js";
import { advance } from "./lease-run.js";
import { type LeaseRun, newRun } from "./lease-state.js";
import { answered, sent } from "./renewal.js";
import { type AgentState, withAttempt } from "./state.js";
import type { Monotonic, Now } from "./time.js";
import {
  askAt,
  noWitness,
  permitUntil,
  sessionBegins,
  unbroken,
  verdictOf,
  type WitnessEffect,
  type WitnessState,
  withAnswer,
  withQuestion,
  withSet,
} from "./witness.js";

export interface AgentStep {
  state: AgentState;
  effects: readonly LeaseEffects[];
  /** Of no lease: nothing has to be written down before them. */
  witness: readonly WitnessEffect[];
  /** What was refused and why, for the log. */
  complaints: readonly string[];
}

/** The agent's whole behaviour: what it holds, what happened → what it holds then and what has to be done. */
export function step(state: AgentState, event: AgentEvent, now: Now): AgentStep {
  const at = new Step(state, now);
  at.apply(event);
  return { state: at.state, effects: at.effects, witness: at.witness, complaints: at.complaints };
}

/** When `tick` is due though nothing happens. */
export function nextTick(state: AgentState, now: Monotonic): Monotonic | undefined {
  let next: Monotonic | undefined;
  for (const run of state.leases.values()) {
    const deadline = nextDeadline(run);
    if (deadline !== undefined && (next === undefined || deadline < next)) next = deadline;
  }
  const ask = state.witness && askAt(state.witness, state.leases.values(), state.ttlMs, now);
  return ask !== undefined && (next === undefined || ask < next) ? ask : next;
}

/** Lives for one call of `step`. */
class Step {
  readonly effects: LeaseEffects[] = [];
  readonly witness: WitnessEffect[] = [];
  readonly complaints: string[] = [];

  constructor(
    public state: AgentState,
    private readonly now: Now,
  ) {}

  apply(event: AgentEvent): void {
    switch (event.type) {
      case "grant":
        this.grant(event.grant);
        return;
      case "lease":
        this.lease(event.lease, event.event);
        return;
      case "welcome":
        this.welcome(event);
        return;
      case "heartbeat-sent":
        this.state = { ...this.state, sent: sent(this.state.sent, event.sequence, event.at) };
        return;
      case "heartbeat-answered":
        this.answered(event);
        return;
      case "owner":
        this.state = { ...this.state, ownerIsHere: event.isHere };
        if (event.isHere) for (const lease of [...this.state.leases.keys()]) this.lease(lease, { type: "owner-came" });
        return;
      case "adopt":
        this.adopt(event);
        return;
      case "tick":
        for (const lease of [...this.state.leases.keys()]) this.lease(lease, { type: "tick" });
        this.ask();
        return;
      case "witness-begins":
        this.state = { ...this.state, witness: noWitness(event.self, this.now.monotonic) };
        if (event.set !== undefined) this.apply({ type: "witness-set", set: event.set });
        return;
      case "witness-set":
        this.take((witness) => withSet(witness, event.set));
        return;
      case "witness-asked":
        if (this.state.witness) {
          const verdict = verdictOf(this.state.witness, this.state.ttlMs, this.now.monotonic);
          this.witness.push({ type: "answer-witness", token: event.token, verdict });
        }
        return;
      case "witness-answered":
        this.take((witness) => withAnswer(witness, event));
        this.permit();
        return;
      default:
        unreachable(event);
    }
  }

  private grant(grant: LeaseGrant): void {
    const refusal = refuseGrant(grant);
    const id = parseLeaseId(grant.leaseId);
    if (refusal !== undefined || id === undefined) {
      this.complaints.push(`a grant was refused: ${refusal ?? "it has no lease id"}`);
      return;
    }
    if (this.state.leases.has(id.lease)) return;
    const known = this.state.attempts.get(id.job) ?? 0;
    if (id.attempt <= known) {
      this.complaints.push(`the grant of ${id.lease} was refused: attempt ${known} of the job is known here`);
      return;
    }
    const earlier = [...this.state.leases.values()].filter(
      (run) => run.job === id.job && run.progress.phase !== "done",
    );
    for (const run of earlier) this.lease(run.id, { type: "superseded" });
    const expiresAt = (this.state.answeredAt ?? this.now.monotonic) + Number(grant.ttlMs);
    const run = newRun(grant, id, expiresAt, { phase: "waiting" });
    this.state = { ...this.state, attempts: withAttempt(this.state.attempts, id.job, id.attempt) };
    this.put(run.id, { run, effects: [], keep: "safe" });
    this.nextTurn(run);
  }

  private lease(lease: LeaseId, event: LeaseEvent): void {
    const run = this.state.leases.get(lease);
    // The end of some work for a lease that is over, or a message that crossed ours: nothing to do.
    if (!run) return;
    if (event.type === "renewed" && this.state.ownerIsHere) return;
    const after = advance(run, event, this.now);
    this.put(lease, after);
    if (after.run.progress.phase === "done" && run.progress.phase !== "done") {
      for (const other of this.state.leases.values()) if (other.job === run.job) this.nextTurn(other);
    }
  }

  /** Two attempts of a job never overlap, whatever the coordinator says. */
  private nextTurn(run: LeaseRun): void {
    if (run.progress.phase !== "waiting") return;
    const before = [...this.state.leases.values()].some(
      (other) => other.job === run.job && other.grant.attempt < run.grant.attempt && other.progress.phase !== "done",
    );
    if (!before) this.lease(run.id, { type: "turn-came" });
  }

  private take(change: (witness: WitnessState) => WitnessState): void {
    if (this.state.witness) this.state = { ...this.state, witness: change(this.state.witness) };
  }

  private heard(): void {
    this.take((witness) => ({ ...witness, heardAt: this.now.monotonic }));
  }

  private ask(): void {
    const { witness: before, leases, ttlMs } = this.state;
    const { monotonic } = this.now;
    const due = before && askAt(before, leases.values(), ttlMs, monotonic);
    if (!before || due === undefined || due > monotonic) return;
    const { state, question } = withQuestion(before, monotonic);
    this.state = { ...this.state, witness: state };
    const members = (state.set?.members ?? []).filter(({ name }) => name !== state.self);
    this.witness.push({ type: "ask-witnesses", question, members });
  }

  /** What a permit prolongs was never interrupted: in any gap the coordinator may have given the job to others, and have died since. */
  private permit(): void {
    const { witness, leases, ttlMs } = this.state;
    const until = witness && permitUntil(witness, ttlMs, this.now.monotonic);
    if (until === undefined) return;
    for (const { id, expiresAt } of unbroken(leases.values(), this.now.monotonic)) {
      if (until > expiresAt) this.lease(id, { type: "renewed", until });
    }
  }

  private welcome({ kept, named, sentAt, ttlMs }: Extract<AgentEvent, { type: "welcome" }>): void {
    this.heard();
    this.take(sessionBegins);
    this.state = { ...this.state, ttlMs, answeredAt: sentAt };
    for (const lease of named) {
      this.lease(lease, kept.has(lease) ? { type: "renewed", until: sentAt + ttlMs } : { type: "superseded" });
    }
  }

  private answered({ sequence, renewed, superseded }: Extract<AgentEvent, { type: "heartbeat-answered" }>): void {
    this.heard();
    const { at, rest } = answered(this.state.sent, sequence);
    if (at === undefined) {
      this.complaints.push(`heartbeat ${sequence} was answered but is not waited for`);
    } else {
      this.state = { ...this.state, sent: rest, answeredAt: at };
      for (const lease of renewed) this.lease(lease, { type: "renewed", until: at + this.state.ttlMs });
    }
    for (const lease of superseded) this.lease(lease, { type: "superseded" });
  }

  private adopt({ run, found, expiresAt }: Extract<AgentEvent, { type: "adopt" }>): void {
    const known = this.state.attempts.get(run.job) ?? 0;
    const attempts = withAttempt(this.state.attempts, run.job, Math.max(known, run.grant.attempt));
    this.state = { ...this.state, attempts };
    this.put(run.id, adopt(run, found, expiresAt, this.now));
    for (const other of this.state.leases.values()) this.nextTurn(other);
  }

  private put(lease: LeaseId, { run, effects, keep }: LeaseStep<LeaseRun>): void {
    const leases = new Map(this.state.leases);
    if (run.forgotten) leases.delete(lease);
    else leases.set(lease, run);
    this.state = { ...this.state, leases };
    if (effects.length === 0 && keep === "memory") return;
    const at = this.effects.findIndex((other) => other.lease === lease);
    const before = this.effects[at];
    // One step, one entry in the ledger: what is written is the state after all of it.
    if (before)
      this.effects[at] = { lease, keep: stronger(before.keep, keep), effects: [...before.effects, ...effects] };
    else this.effects.push({ lease, keep, effects });
  }
}
