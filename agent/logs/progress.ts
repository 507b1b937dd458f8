import type { Monotonic } from "../../shared/clock.js";

/** How far one stream has come: read and published up to `sent`, safe with the coordinator up to `stored`. */
export interface Progress {
  sent: number;
  stored: number;
  /** The stream's length for good, once its process has ended. */
  final: number | undefined;
  /** The coordinator has said where it stands: before that, what an earlier agent sent may be there already. */
  known: boolean;
  /** Of the last publishing, and the last sign that something was stored (or that all was sent again). */
  publishedAt: Monotonic;
  movedAt: Monotonic;
  rewinds: number;
}

/** Sent and not yet stored: of one stream, and of all streams together, at most. */
const windowBytes = 1024 * 1024;
const allWindowsBytes = 8 * 1024 * 1024;
const windowMinBytes = 64 * 1024;
/** Until the coordinator has said where it stands. */
const firstWindowBytes = 128 * 1024;
/** Without progress for this long, everything from `stored` on is sent again; twice as long each time, up to the limit. */
const silenceMs = 3_000;
const silenceMaxMs = 30_000;
/** A repeated answer means a gap, or our own repetition on its way: not worth more than one rewind in this time. */
const gapMs = 500;

export const startOfStream = (now: Monotonic): Progress => ({
  ...{ sent: 0, stored: 0, final: undefined, known: false },
  ...{ publishedAt: Number.NEGATIVE_INFINITY, movedAt: now, rewinds: 0 },
});

export const windowOf = (streams: number) =>
  Math.max(windowMinBytes, Math.min(windowBytes, Math.floor(allWindowsBytes / Math.max(1, streams))));

/** Bytes that may be published now. */
export const room = (at: Progress, window: number) =>
  Math.max(0, at.stored + (at.known ? window : Math.min(window, firstWindowBytes)) - at.sent);

export const isStored = (at: Progress) => at.final !== undefined && at.stored >= at.final;

export function noteStored(at: Progress, offset: number, now: Monotonic): void {
  at.known = true;
  if (offset > at.stored) {
    at.stored = offset;
    at.sent = Math.max(at.sent, offset);
    at.movedAt = now;
    at.rewinds = 0;
  } else if (at.sent > at.stored && now - at.movedAt > gapMs) {
    rewind(at, now);
  }
}

export function rewind(at: Progress, now: Monotonic): void {
  at.sent = at.stored;
  at.movedAt = now;
}

/** True when nothing was heard for too long about what was sent. */
export function isSilent(at: Progress, now: Monotonic): boolean {
  return at.sent > at.stored && now - at.movedAt > Math.min(silenceMaxMs, silenceMs * 2 ** at.rewinds);
}
