/** Milliseconds since the epoch. */
export type Instant = number;
/** Milliseconds of a clock that never goes back. */
export type Monotonic = number;

/** The moment of a step: the wall clock is for people, the other for decisions. */
export interface Now {
  instant: Instant;
  monotonic: Monotonic;
}
