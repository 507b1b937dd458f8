import type { Monotonic } from "../../shared/clock.js";

/** How far one stream has come: read and published up to `sent`, safe with the coordinator up to `stored`. */
export interface Progress {
  sent: number;
  stored: number;
  /** The stream's length for good, once its process has ended. */
  final: number | undefined;
  /** The coordinator has said where it stands: before that, what an earlier agent sent may be there already. */
  known: boolean;
  /** What may be sent and not yet stored. Grows while all goes well, and shrinks when something was lost on the way. */
  window: number;
  /** Of the last publishing, and the last sign that something was stored (or that all was sent again). */
  publishedAt: Monotonic;
  movedAt: Monotonic;
  rewinds: number;
}

/** Of one stream: at first, at most, and after losses. Until the coordinator has said where it stands it is the least. */
const firstWindowBytes = 1024 * 1024;
const windowMaxBytes = 4 * 1024 * 1024;
const windowMinBytes = 128 * 1024;
/** Of all streams that have something to send. */
const allWindowsBytes = 16 * 1024 * 1024;
const shareMinBytes = 64 * 1024;
/** Without progress for this long, everything from `stored` on is sent again; twice as long each time, up to the limit. */
const silenceMs = 3_000;
const silenceMaxMs = 30_000;
/** A repeated answer means a gap, or our own repetition on its way: not worth more than one rewind in this time. */
const gapMs = 500;

export const startOfStream = (now: Monotonic, stored = 0): Progress => ({
  ...{ sent: stored, stored, final: undefined, known: false, window: firstWindowBytes },
  ...{ publishedAt: Number.NEGATIVE_INFINITY, movedAt: now, rewinds: 0 },
});

/** No stream may have more than this under way while so many have something to send. */
export const shareOf = (active: number) => Math.max(shareMinBytes, Math.floor(allWindowsBytes / Math.max(1, active)));

/** Bytes that may be published now. */
export const room = (at: Progress, share: number) =>
  Math.max(0, at.stored + Math.min(share, at.known ? at.window : windowMinBytes) - at.sent);

export const isStored = (at: Progress) => at.final !== undefined && at.stored >= at.final;

export function noteStored(at: Progress, offset: number, now: Monotonic): void {
  at.known = true;
  if (offset > at.stored) {
    at.window = Math.min(windowMaxBytes, at.window + (offset - at.stored));
    at.stored = offset;
    at.sent = Math.max(at.sent, offset);
    at.movedAt = now;
    at.rewinds = 0;
  } else if (offset < at.stored) {
    // It has lost what it had: a disk was replaced, or a backup restored.
    at.stored = offset;
    rewind(at, now);
  } else if (at.sent > at.stored && now - at.movedAt > gapMs) {
    shrink(at);
    rewind(at, now);
  }
}

export function rewind(at: Progress, now: Monotonic): void {
  at.sent = at.stored;
  at.movedAt = now;
}

/** Something was lost, and that may be because there was too much. */
export function shrink(at: Progress): void {
  at.window = Math.max(windowMinBytes, Math.floor(at.window / 2));
}

/** True when nothing was heard for too long about what was sent. */
export function isSilent(at: Progress, now: Monotonic): boolean {
  return at.sent > at.stored && now - at.movedAt > Math.min(silenceMaxMs, silenceMs * 2 ** at.rewinds);
}
