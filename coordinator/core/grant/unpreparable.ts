import type { World } from "../memory.js";
import type { Job, ResourceFault } from "../state.js";
import { jobVolumes } from "./volumes.js";

/**
 * Real job files name containers and Azure storage. They are accepted, so that they can be submitted, listed and edited as they are; but a
 * job is never run without what it asked for. When its turn comes it fails as a job does whose preparation failed, with Batch AI's code for
 * the cause.
 */
export function unpreparable(world: World, job: Job): ResourceFault | undefined {
  const image = job.spec.containerSettings?.imageSourceRegistry?.image;
  if (image !== undefined) {
    return {
      code: "FailedStartingContainer",
      message: "this release of Stoker runs no containers: remove containerSettings to run directly on the nodes",
      details: [{ name: "imageName", value: image }],
    };
  }
  return jobVolumes(world, job).faults[0];
}
