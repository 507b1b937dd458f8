import { clusterVolumes, jobVolumes } from "../grant/volumes.js";
import type { JobCheck } from "./check.js";

/** A file server that it mounts is still being made. */
export const storage: JobCheck = (job, world) => {
  const cluster = world.clusters.get(job.request.cluster);
  const why = jobVolumes(world, job).waits[0] ?? (cluster && clusterVolumes(world, cluster).waits[0]);
  return why === undefined ? undefined : { check: "storage", message: why };
};
