import type { World } from "../memory.js";
import type { Job, ResourceFault } from "../state.js";
import { jobVolumes } from "./volumes.js";

/**
 * Real job files name Azure storage. They are accepted, so that they can be submitted, listed and edited as they are; but a job is never run
 * without what it asked for. When its turn comes it fails as a job does whose preparation failed, with Batch AI's code for the cause.
 */
export function unpreparable(world: World, job: Job): ResourceFault | undefined {
  return jobVolumes(world, job).faults[0];
}
