import type { Check } from "./check.js";

export const drained: Check = (_job, { node }) =>
  node.drained
    ? { check: "drained", message: `is drained${node.drained.reason === "" ? "" : `: ${node.drained.reason}`}` }
    : undefined;
