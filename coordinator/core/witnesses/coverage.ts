import type { Settings } from "../settings.js";
import type { Instant } from "../state.js";

/**
 * When a node is known not to have said that the coordinator is gone. Its agent takes the coordinator for live for two thirds of a lease from
 * each answer it receives. An answer whose heartbeat came here at `r`, and which a heartbeat that came at `s` says was received, was received
 * between the two: so from `s` until `r` and those two thirds the agent took us for live, by any clock. What such spans cover without a gap
 * is the coverage.
 */
export interface Coverage {
  readonly from: Instant;
  readonly to: Instant;
  /** Heartbeats of this session that were answered, 0 for its hello, the oldest first: one of them may be acknowledged next. */
  readonly answered: ReadonlyArray<{ readonly sequence: bigint; readonly at: Instant }>;
}

/** Clocks of machines drift apart by at most 1 % of true time each way; the rest is for rounding. */
const drift = 0.03;
const remembered = 64;

/** How long an agent that got an answer surely goes on taking us for live, by our clock. */
export const surelyLiveMs = ({ leaseTtlMs }: Pick<Settings, "leaseTtlMs">) =>
  Math.floor(((leaseTtlMs * 2) / 3) * (1 - drift));

/** How long a permit may last by our clock, when it lasts `ttlMs` by that of its holder. */
export const longestPermitMs = (ttlMs: number) => Math.ceil(ttlMs * (1 + drift));

/** A session begins: its Welcome is the answer to number 0. What was covered stays true. */
export function sessionBegins(before: Coverage | undefined, now: Instant): Coverage {
  return { from: before?.from ?? 0, to: before?.to ?? 0, answered: [{ sequence: 0n, at: now }] };
}

/** A heartbeat of the session came, and says which of the answers is the newest that it got. */
export function heartbeatCame(
  before: Coverage,
  { sequence, answered }: { sequence: bigint; answered: bigint },
  now: Instant,
  liveMs: number,
): Coverage {
  // Numbers only ever go up: anything else is no agent of ours, and proves nothing.
  if (sequence <= (before.answered.at(-1)?.sequence ?? 0n)) return before;
  const waiting = before.answered.filter((one) => one.sequence >= answered).slice(-remembered);
  const received = waiting.find((one) => one.sequence === answered);
  return { ...covered(before, now, received && received.at + liveMs), answered: [...waiting, { sequence, at: now }] };
}

function covered({ from, to }: Coverage, now: Instant, until: Instant | undefined): { from: Instant; to: Instant } {
  if (until === undefined || until < now || until <= to) return { from, to };
  return now <= to ? { from, to: until } : { from: now, to: until };
}

export const covers = (coverage: Coverage | undefined, from: Instant, to: Instant) =>
  coverage !== undefined && coverage.from <= from && coverage.to >= to;
