import type { Change } from "./changes.js";
import type { Effect } from "./effects.js";
import type { Event } from "./events.js";
import type { State } from "./memory.js";
import type { Instant } from "./state.js";

export interface Step {
  /** To be committed and given to `apply`, all of them, before the next step. */
  readonly changes: readonly Change[];
  /** To be carried out once the changes are on disk. */
  readonly effects: readonly Effect[];
  /** UUID of what an API event was about: the resource made (or made earlier, under the same idempotency key), or named. */
  readonly subject?: string;
}

/**
 * Decides what follows from one event. Throws a Fault when an API event is refused. `state` is only read.
 * `now` never goes back, and does not jump with the wall clock: the engine takes the wall clock once at its start and adds monotonic time.
 */
export function step(state: State, event: Event, now: Instant): Step {
  void state;
  void now;
  throw new Error(`not built yet: ${event.kind}`);
}
