import type { Check } from "./check.js";

export const leaving: Check = (_job, { node }) =>
  node.leaving ? { check: "leaving", message: "is leaving the cluster, which was made smaller" } : undefined;
