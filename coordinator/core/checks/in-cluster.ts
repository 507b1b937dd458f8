import type { Check } from "./check.js";

export const inCluster: Check = (job, { node }) =>
  node.cluster === job.request.cluster
    ? undefined
    : { check: "in-cluster", message: node.cluster ? "belongs to another cluster" : "is in no cluster" };
