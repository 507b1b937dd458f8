import { describeKey } from "../secrets/reference.js";
import type { JobCheck } from "./check.js";

/** A secret that it refers to was deleted after it was submitted. */
export const secrets: JobCheck = (job, world) => {
  const missing = job.request.secrets?.find((key) => !world.secrets.has(key));
  if (missing === undefined) return undefined;
  const { workspace, name } = describeKey(world, missing);
  return {
    check: "secrets",
    message: `secret ${name} of workspace ${workspace} was deleted: \`stoker secret set -w ${workspace} ${name}\` sets it again`,
  };
};
