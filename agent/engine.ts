import type { Logger } from "pino";
import type { Clock } from "../shared/clock.js";
import type { LeaseId } from "../shared/ids.js";
import type { Effect, LeaseEffects } from "./core/effects.js";
import type { AgentEvent, LeaseEvent } from "./core/events.js";
import type { LeaseRun } from "./core/lease-state.js";
import { type AgentState, emptyState } from "./core/state.js";
import { nextTick, step } from "./core/step.js";
import type { Now } from "./core/time.js";
import type { WitnessEffect } from "./core/witness.js";
import type { Ledger } from "./ledger.js";

/** Does one effect; its end comes back as an event. `run` is the lease as it was when the effect was decided. */
export type Perform = (run: LeaseRun, effect: Effect) => void;

/** The loop: event → step → ledger → effects. Each lease's effects are done in order, and only after its state is recorded. */
export class Engine {
  private current: AgentState = emptyState;
  private readonly queue: AgentEvent[] = [];
  private readonly chains = new Map<LeaseId, Promise<void>>();
  private draining = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly ledger: Ledger,
    private readonly perform: Perform,
    private readonly log: Logger,
    private readonly witness: (effect: WitnessEffect) => void = () => undefined,
  ) {}

  get state(): AgentState {
    return this.current;
  }

  lease(lease: LeaseId, event: LeaseEvent): void {
    this.post({ type: "lease", lease, event });
  }

  post(event: AgentEvent): void {
    if (this.stopped) return;
    this.queue.push(event);
    if (this.draining) return;
    this.draining = true;
    try {
      for (let next = this.queue.shift(); next; next = this.queue.shift()) this.take(next);
    } finally {
      this.draining = false;
    }
    this.setTimer();
  }

  /** Nothing more is begun or decided; what runs goes on without this process. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await Promise.all(this.chains.values());
  }

  private take(event: AgentEvent): void {
    const after = step(this.current, event, this.now());
    const before = this.current;
    this.current = after.state;
    for (const complaint of after.complaints) this.log.warn({ event: event.type }, complaint);
    for (const effect of after.witness) this.witness(effect);
    for (const effects of after.effects) {
      const run = after.state.leases.get(effects.lease) ?? before.leases.get(effects.lease);
      if (run) this.record(run, effects);
    }
  }

  private record(run: LeaseRun, { keep, effects }: LeaseEffects): void {
    const before = this.chains.get(run.id);
    // The last of a lease: writing it down once more would bring its entry back.
    const over = effects.some(({ type }) => type === "forget");
    if (before === undefined) {
      const writing = keep === "memory" || over ? undefined : this.write(run, keep === "safe");
      if (writing === undefined) {
        this.performAll(run, effects);
        return;
      }
      this.follow(run, writing, effects);
    } else {
      const writing = before.then(() => (keep === "memory" || over ? undefined : this.write(run, keep === "safe")));
      this.follow(run, writing, effects);
    }
  }

  private write(run: LeaseRun, safe: boolean): Promise<void> | undefined {
    try {
      return this.ledger.write(run, safe);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private follow(run: LeaseRun, writing: Promise<void>, effects: readonly Effect[]): void {
    const chain = writing.then(
      () => this.performAll(run, effects),
      (error: unknown) => this.notRecorded(run, effects, error),
    );
    this.chains.set(run.id, chain);
    void chain.finally(() => {
      if (this.chains.get(run.id) === chain) this.chains.delete(run.id);
    });
  }

  private notRecorded(run: LeaseRun, effects: readonly Effect[], error: unknown): void {
    this.log.error({ lease: run.id, err: error }, "the ledger could not be written");
    const message = error instanceof Error ? error.message : String(error);
    // Nothing of it runs yet: then nothing may begin. Whatever is under way is better ended well than left alone.
    if (effects.some(({ type }) => type === "prepare-local")) this.lease(run.id, { type: "not-recorded", message });
    else this.performAll(run, effects);
  }

  private performAll(run: LeaseRun, effects: readonly Effect[]): void {
    for (const effect of effects) this.perform(run, effect);
  }

  private setTimer(): void {
    clearTimeout(this.timer);
    const next = nextTick(this.current, this.clock.monotonic());
    if (next === undefined || this.stopped) return;
    const delayMs = Math.max(1, Math.ceil(next - this.clock.monotonic()));
    this.timer = setTimeout(() => this.post({ type: "tick" }), Math.min(delayMs, 2 ** 30));
  }

  private now(): Now {
    return { instant: this.clock.now(), monotonic: this.clock.monotonic() };
  }
}
