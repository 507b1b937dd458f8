import { describeKey, keysIn } from "../secrets/reference.js";
import type { JobCheck } from "./check.js";

/** A secret that it refers to, or a volume of its cluster, was deleted after it was submitted. */
export const secrets: JobCheck = (job, world) => {
  const volumes = world.clusters.get(job.request.cluster)?.spec.nodeSetup?.mountVolumes;
  const keys = [...(job.request.secrets ?? []), ...(volumes ? keysIn(volumes) : [])];
  const missing = keys.find((key) => !world.secrets.has(key));
  if (missing === undefined) return undefined;
  const { workspace, name } = describeKey(world, missing);
  return {
    check: "secrets",
    message: `secret ${name} of workspace ${workspace} was deleted: \`stoker secret set -w ${workspace} ${name}\` sets it again`,
  };
};
