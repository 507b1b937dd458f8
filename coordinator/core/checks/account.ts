import { withoutAccountThere } from "../owner.js";
import type { Check } from "./check.js";

/** A job runs as its submitter's account on the machine. */
export const account: Check = (job, { liveness }) => {
  const reason = withoutAccountThere(liveness?.owner, job);
  return reason === undefined
    ? undefined
    : { check: "account", message: `has no account for the job's user: ${reason}` };
};
