import { clusterVolumes } from "../grant/volumes.js";
import type { Check } from "./check.js";

/** In the agent's own words, or for a volume of the cluster that no node can have. */
export const healthy: Check = (job, { liveness }, { world }) => {
  const reason = liveness?.unhealthyReason ?? "";
  if (reason !== "") return { check: "healthy", message: `is unusable: ${reason}` };
  const cluster = world.clusters.get(job.request.cluster);
  const fault = cluster?.spec.nodeSetup?.mountVolumes && clusterVolumes(world, cluster).faults[0];
  return fault ? { check: "healthy", message: `is unusable: ${fault.code}: ${fault.message}` } : undefined;
};
