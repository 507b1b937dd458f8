import type { Logger } from "pino";
import type { Clock } from "../shared/clock.js";
import { Fault } from "../shared/fault.js";
import { apply, load } from "./core/apply.js";
import type { Change, Put, Table } from "./core/changes.js";
import type { Effect } from "./core/effects.js";
import type { ApiEvent, Event } from "./core/events.js";
import { emptyState, type State } from "./core/memory.js";
import type { Settings } from "./core/state.js";
import { step } from "./core/step.js";

/** Where rows are kept. `commit` takes all or throws a Fault, and nothing was taken then. */
export interface Rows {
  load(): Iterable<{ [T in Table]: Put<T> }[Table]>;
  commit(changes: readonly Change[]): void;
}

export interface EngineParts {
  rows: Rows;
  settings: Settings;
  clock: Clock;
  log: Logger;
  perform(effect: Effect): void;
  /** Memory was rebuilt from the rows: whoever spoke for a node must say hello again. */
  rebuilt(): void;
}

interface Waiting {
  event: Event;
  /** Absent for events that nobody waits for. */
  reply?: { resolve(subject: string | undefined): void; reject(error: unknown): void };
}

/** Often enough for a silent node or an elapsed wall-clock limit; everything else comes as an event of its own. */
const tickMs = 500;
/** A disk that refused a commit is not asked again at once. */
const resumeAfterMs = 1_000;

/**
 * The loop: events → step → one commit for all that wait → replies and effects. Nothing is acknowledged or sent before its rows are on
 * disk, and no reader sees memory that is ahead of the disk, because a turn runs without a break.
 */
export class Engine {
  private memory: State;
  private waiting: Waiting[] = [];
  private scheduled = false;
  private ticking: NodeJS.Timeout | undefined;
  private resuming: NodeJS.Timeout | undefined;
  private readonly startedAt: { wall: number; monotonic: number };

  constructor(private readonly parts: EngineParts) {
    const { clock } = parts;
    this.startedAt = { wall: clock.now(), monotonic: clock.monotonic() };
    this.memory = this.loadRows();
  }

  /** Valid until the next event: never keep it. */
  get state(): State {
    return this.memory;
  }

  /** The wall clock at our start and what went by since: it never goes back. */
  now(): number {
    return Math.round(this.startedAt.wall + this.parts.clock.monotonic() - this.startedAt.monotonic);
  }

  start(): void {
    this.tell({ kind: "resume" });
    this.ticking = setInterval(() => this.tell({ kind: "tick" }), tickMs);
  }

  /** Everything told so far is committed; what comes later is refused. */
  stop(): void {
    clearInterval(this.ticking);
    clearTimeout(this.resuming);
    this.drain();
    this.tell = () => undefined;
    this.ask = () => Promise.reject(new Fault("unavailable", "the coordinator is stopping; try again in a moment"));
  }

  /** Nobody waits for what becomes of it. */
  tell(event: Event): void {
    this.enqueue({ event });
  }

  /** Resolves, when the event's changes are on disk, with the UUID of what it was about. Rejects with the Fault that refuses it. */
  ask(event: ApiEvent): Promise<string | undefined> {
    return new Promise((resolve, reject) => this.enqueue({ event, reply: { resolve, reject } }));
  }

  private enqueue(waiting: Waiting): void {
    this.waiting.push(waiting);
    if (this.scheduled) return;
    this.scheduled = true;
    // After this turn's input: calls that came together share a commit.
    setImmediate(() => this.drain());
  }

  private drain(): void {
    this.scheduled = false;
    const batch = this.waiting;
    this.waiting = [];
    if (batch.length === 0) return;
    const changes: Change[] = [];
    const effects: Effect[] = [];
    const done: Array<() => void> = [];
    for (const { event, reply } of batch) {
      try {
        const result = step(this.memory, event, this.now());
        apply(this.memory, result.changes);
        changes.push(...result.changes);
        effects.push(...result.effects);
        if (reply) done.push(() => reply.resolve(result.subject));
      } catch (error) {
        // Anything but a refusal is our bug. What is on disk is right: crash, and go on from there.
        if (!(error instanceof Fault)) throw error;
        if (reply) done.push(() => reply.reject(error));
        else this.parts.log.error({ err: error, event: event.kind }, "an event that nobody waits for was refused");
      }
    }
    if (!this.commit(changes, batch)) return;
    for (const tell of done) tell();
    for (const effect of effects) this.parts.perform(effect);
  }

  /** False when the disk refused: then nothing has happened, and every caller is told so. */
  private commit(changes: Change[], batch: Waiting[]): boolean {
    try {
      this.parts.rows.commit(changes);
      return true;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.parts.log.error({ err: error, events: batch.length }, "commit failed; memory goes back to what is on disk");
      for (const { reply } of batch) reply?.reject(new Fault(error.code, error.message));
      this.memory = this.loadRows();
      this.parts.rebuilt();
      this.resuming = setTimeout(() => this.tell({ kind: "resume" }), resumeAfterMs);
      return false;
    }
  }

  private loadRows(): State {
    const state = emptyState(this.parts.settings, this.now());
    load(state, this.parts.rows.load());
    return state;
  }
}
