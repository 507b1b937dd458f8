import type { Logger } from "pino";
import type { Clock } from "../shared/clock.js";
import { Fault } from "../shared/fault.js";
import type { Origin } from "./core/access/audit.js";
import { apply, load } from "./core/apply.js";
import { type Change, isRowChange, type Put, type Table } from "./core/changes.js";
import type { Effect } from "./core/effects.js";
import type { ApiEvent, Event } from "./core/events.js";
import { emptyState, type State } from "./core/memory.js";
import type { Settings } from "./core/settings.js";
import { step } from "./core/step.js";

/** Where rows are kept. `commit` takes all or throws a Fault, and nothing was taken then. */
export interface Rows {
  load(): Iterable<{ [T in Table]: Put<T> }[Table]>;
  commit(changes: readonly Change[]): void;
  /** Writes and changes nothing; throws as `commit` does. */
  probe(): void;
}

/** The disk's free space. */
export interface Room {
  /** Why nothing new is to be taken on, in words; undefined while there is room. */
  readonly low: string | undefined;
  /** Gives up what is kept in reserve; false when there is nothing left to give. */
  spend(): boolean;
}

export interface EngineParts {
  rows: Rows;
  /** Absent where there is always some. */
  room?: Room;
  settings: Settings;
  clock: Clock;
  log: Logger;
  perform(effect: Effect): void;
  /** Something that agents said was not taken in: whoever speaks for a node must say hello again. */
  rebuilt(): void;
}

/** Makes rows that stay. */
const grows: ReadonlySet<Event["kind"]> = new Set([
  "workspace-create",
  "cluster-create",
  "file-server-create",
  "experiment-create",
  "job-create",
  "storage-map",
  "secret-set",
  "machine-class-map",
]);

interface Waiting {
  event: Event;
  /** For the audit log; absent where nobody has asked. */
  origin?: Origin | undefined;
  /** Absent for events that nobody waits for. */
  reply?: { resolve(subject: string | undefined): void; reject(error: unknown): void };
}

/** Shares one commit; a burst of more goes on after whatever else waits for its turn. */
const batchMax = 256;
/** Goes into steps in one turn at the most, but for the one that began within it. The commit, replies and effects take about as long again. */
const steppingMs = 12;
/** Often enough for a silent node or an elapsed wall-clock limit; everything else comes as an event of its own. */
const tickMs = 500;
/** A disk that refused a commit is asked again so often. */
const probeMs = 1_000;

/**
 * The loop: events → step → one commit for all that wait → replies and effects. Nothing is acknowledged or sent before its rows are on
 * disk, and no reader sees memory that is ahead of the disk, because a turn runs without a break.
 *
 * A disk that refuses a commit, its reserve spent, makes the coordinator read-only: reads and watches go on, and whatever needs no row is done, so
 * that leases are renewed. What needs one is refused or, an agent's word, left unanswered; agents repeat it when the disk takes rows again.
 */
export class Engine {
  private memory: State;
  private readonly waiting: Waiting[] = [];
  private scheduled = false;
  private ticking: NodeJS.Timeout | undefined;
  private probing: NodeJS.Timeout | undefined;
  /** Why nothing can be written; undefined while it can. */
  private refusal: Fault | undefined;
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

  /** Why nothing can be changed, in words; undefined while everything can. */
  get readOnly(): string | undefined {
    return this.refusal?.message;
  }

  /** Events that wait for their turn. */
  get backlog(): number {
    return this.waiting.length;
  }

  get startedAtMs(): number {
    return Math.round(this.startedAt.wall);
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
    clearTimeout(this.probing);
    while (this.waiting.length > 0) this.drain();
    this.tell = () => undefined;
    this.ask = () => Promise.reject(new Fault("unavailable", "the coordinator is stopping; try again in a moment"));
  }

  /** Nobody waits for what becomes of it. */
  tell(event: Event): void {
    this.enqueue({ event });
  }

  /** Resolves, when the event's changes are on disk, with the UUID of what it was about. Rejects with the Fault that refuses it. */
  ask(event: ApiEvent, origin?: Origin): Promise<string | undefined> {
    return new Promise((resolve, reject) => this.enqueue({ event, origin, reply: { resolve, reject } }));
  }

  private enqueue(waiting: Waiting): void {
    this.waiting.push(waiting);
    if (this.scheduled) return;
    this.scheduled = true;
    // After this turn's input: calls that came together share a commit.
    setImmediate(() => this.drain());
  }

  private drain(): void {
    const batch: Waiting[] = [];
    const changes: Change[] = [];
    const effects: Effect[] = [];
    const done: Array<() => void> = [];
    const { clock } = this.parts;
    const enoughAt = clock.monotonic() + steppingMs;
    while (batch.length < batchMax && (batch.length === 0 || clock.monotonic() < enoughAt)) {
      const next = this.waiting.shift();
      if (!next) break;
      batch.push(next);
      const { event, origin, reply } = next;
      try {
        const result = step(this.memory, event, this.now(), { settling: !this.refusal, origin });
        const refusal = this.refusal ?? this.unwelcome(event);
        if (refusal && result.changes.some(isRowChange)) {
          reply?.reject(new Fault(refusal.code, refusal.message));
          continue;
        }
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
    this.scheduled = this.waiting.length > 0;
    if (this.scheduled) setImmediate(() => this.drain());
    if (!this.commit(changes, batch)) return;
    for (const tell of done) tell();
    for (const effect of effects) this.parts.perform(effect);
  }

  /** What only adds to the catalog is refused while the disk is nearly full, so that what runs can be brought to its end. */
  private unwelcome(event: Event): Fault | undefined {
    const low = this.parts.room?.low;
    if (low === undefined || !grows.has(event.kind)) return undefined;
    return new Fault("resource-exhausted", `nothing new is taken on, and what runs goes on: ${low}`);
  }

  /** False when the disk refused: then nothing has happened, and every caller is told so. */
  private commit(changes: Change[], batch: Waiting[]): boolean {
    const failure = this.refused(changes);
    if (!failure) return true;
    this.parts.log.error(
      { err: failure, events: batch.length },
      "commit failed: read-only until the disk takes rows again; memory goes back to what is on it",
    );
    this.refusal = new Fault(
      failure.code,
      `${failure.message}; until then the coordinator is read-only, and running jobs go on`,
    );
    for (const { reply } of batch) reply?.reject(new Fault(failure.code, this.refusal.message));
    this.memory = this.loadRows();
    this.parts.rebuilt();
    this.probing = setInterval(() => this.probe(), probeMs);
    return false;
  }

  /** Why the changes are not on disk; undefined when they are. */
  private refused(changes: readonly Change[]): Fault | undefined {
    for (;;) {
      try {
        this.parts.rows.commit(changes);
        return undefined;
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        if (error.code !== "resource-exhausted" || !this.parts.room?.spend()) return error;
      }
    }
  }

  private probe(): void {
    try {
      this.parts.rows.probe();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return;
    }
    clearInterval(this.probing);
    this.refusal = undefined;
    this.parts.log.info("the disk takes rows again: no longer read-only");
    this.parts.rebuilt();
    this.tell({ kind: "resume" });
  }

  private loadRows(): State {
    const state = emptyState(this.parts.settings, this.now());
    load(state, this.parts.rows.load());
    return state;
  }
}
