import type { Candidate } from "../checks/check.js";
import type { World } from "../memory.js";
import type { Placement } from "../placement.js";
import type { Instant, Job } from "../state.js";

/** Who may start while the first of the queue can't. */
export interface Policy {
  /** Called once a pass, when `head` is found not to start now. */
  behind(world: World, head: Job, candidates: readonly Candidate[], now: Instant): Overtaking | undefined;
}

/** Undefined in its place: nobody. */
export interface Overtaking {
  /** In words, why `job` may not start there now; undefined when it may, which is then taken as done. */
  objection(job: Job, placement: Placement): string | undefined;
}
