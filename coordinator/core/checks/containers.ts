import type { Check } from "./check.js";

/** A job with container settings needs a machine that runs containers. */
export const containers: Check = (job, { node }) =>
  job.spec.containerSettings && !node.inventory.containers
    ? {
        check: "containers",
        message: "has no container runtime: install podman, docker or apptainer there and restart its agent",
      }
    : undefined;
