import type { Check } from "./check.js";

export const avoided: Check = (job, { node }) =>
  job.avoid.includes(node.uuid)
    ? { check: "avoided", message: "failed this job before, and others may do" }
    : undefined;
