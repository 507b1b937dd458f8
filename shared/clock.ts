/** Milliseconds since the epoch: for people and for rows. May jump. */
export type Instant = number;
/** Milliseconds of a clock that never goes back and stops for nobody; only differences mean something. */
export type Monotonic = number;

export interface Clock {
  now(): Instant;
  monotonic(): Monotonic;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
};
