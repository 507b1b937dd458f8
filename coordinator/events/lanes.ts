/** First try to second, and at the most; doubled each time. */
const backOffFirstMs = 1_000;
const backOffMostMs = 300_000;
const atOnce = 4;
/** So many failures of whatever event in a row mean that the receiver is away: then one event at a time asks for it. */
const awayAfter = 3;

interface Lane {
  readonly subject: string;
  /** Numbers, in order. */
  readonly waiting: number[];
  busy: boolean;
  tries: number;
  dueAt: number;
}

/**
 * What one subscriber is to get, in what order: events of one subject one after another, those of others beside it. An event that fails holds up
 * its own subject alone, as long as others get through. Knows no clock: callers say what time it is.
 */
export class Lanes {
  private readonly lanes = new Map<string, Lane>();
  private readonly laneOf = new Map<number, Lane>();
  private inFlight = 0;
  private failures = 0;
  /** The receiver is away: nobody asks before. */
  private quietUntil = 0;

  /** Seeds the jitter. */
  constructor(private readonly seed: string) {}

  get size(): number {
    return this.laneOf.size;
  }

  has(number: number): boolean {
    return this.laneOf.has(number);
  }

  add(number: number, subject: string): void {
    if (this.laneOf.has(number)) return;
    const lane = this.lanes.get(subject) ?? { subject, waiting: [], busy: false, tries: 0, dueAt: 0 };
    this.lanes.set(subject, lane);
    lane.waiting.push(number);
    this.laneOf.set(number, lane);
  }

  /** What to send now, if anything: the oldest that may go. It is in flight until it is settled or failed. */
  take(now: number): number | undefined {
    if (now < this.quietUntil || this.inFlight >= (this.isAway ? 1 : atOnce)) return undefined;
    let best: Lane | undefined;
    for (const lane of this.lanes.values()) {
      if (lane.busy || lane.dueAt > now) continue;
      if (!best || (lane.waiting[0] ?? 0) < (best.waiting[0] ?? 0)) best = lane;
    }
    if (!best) return undefined;
    best.busy = true;
    this.inFlight += 1;
    return best.waiting[0];
  }

  /** It is through with: delivered, given up or gone. */
  settled(number: number, outcome: "delivered" | "dropped"): void {
    const lane = this.laneOf.get(number);
    if (!lane) return;
    this.laneOf.delete(number);
    this.release(lane);
    lane.waiting.shift();
    lane.tries = 0;
    lane.dueAt = 0;
    if (lane.waiting.length === 0) this.lanes.delete(lane.subject);
    if (outcome === "dropped") return;
    if (this.isAway) for (const other of this.lanes.values()) other.dueAt = 0;
    this.failures = 0;
    this.quietUntil = 0;
  }

  /** Gives when it is tried again. `askedMs`: how long the receiver wants to be left alone. */
  failed(number: number, now: number, askedMs = 0): number {
    const lane = this.laneOf.get(number);
    if (!lane) return now;
    this.release(lane);
    lane.tries += 1;
    this.failures += 1;
    lane.dueAt = now + Math.max(askedMs, this.backOffMs(lane.tries, number));
    if (this.isAway) this.quietUntil = now + Math.max(askedMs, this.backOffMs(this.failures - awayAfter + 1, number));
    return Math.max(lane.dueAt, this.quietUntil);
  }

  /** When `take` may have something again; undefined when nothing waits, or something in flight comes first. */
  nextAt(): number | undefined {
    if (this.inFlight >= (this.isAway ? 1 : atOnce)) return undefined;
    let first: number | undefined;
    for (const { busy, dueAt } of this.lanes.values()) {
      if (!busy) first = Math.min(first ?? dueAt, dueAt);
    }
    return first === undefined ? undefined : Math.max(first, this.quietUntil);
  }

  private get isAway(): boolean {
    return this.failures >= awayAfter;
  }

  private release(lane: Lane): void {
    if (!lane.busy) return;
    lane.busy = false;
    this.inFlight -= 1;
  }

  private backOffMs(tries: number, number: number): number {
    return jittered(Math.min(backOffFirstMs * 2 ** (tries - 1), backOffMostMs), `${this.seed} ${number} ${tries}`);
  }
}

/** 80 to 120 % of it, the same for the same seed. */
export function jittered(ms: number, seed: string): number {
  let hash = 2166136261;
  for (let at = 0; at < seed.length; at += 1) hash = Math.imul(hash ^ seed.charCodeAt(at), 16777619);
  return Math.round(ms * (0.8 + (0.4 * (hash >>> 0)) / 2 ** 32));
}
