import { type Check, holdersOf } from "./check.js";

/** Whole nodes are shared with nobody, in either direction; and an attempt never stands beside an older one of the same job. */
export const unshared: Check = (job, { usage }) => {
  const wanted = job.request.share.kind === "whole";
  if ((wanted && usage.holders.length > 0) || usage.whole) {
    const message = wanted ? "is needed whole, and is in use" : "is taken whole by another job";
    return { check: "unshared", message, heldBy: holdersOf(usage) };
  }
  return usage.holders.some((holder) => holder.job === job.uuid)
    ? { check: "unshared", message: "still holds an earlier attempt of this job", heldBy: [job.uuid] }
    : undefined;
};
