import type { Check } from "./check.js";

/** What the node still holds of attempts that the coordinator knows nothing of could be using anything. */
export const cleaned: Check = (_job, { liveness }) => {
  const count = liveness?.strangers.length ?? 0;
  return count === 0
    ? undefined
    : { check: "cleaned", message: `is still ending ${count} ${count === 1 ? "attempt" : "attempts"} of deleted jobs` };
};
