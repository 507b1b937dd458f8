import { refusedByOwner } from "../owner.js";
import type { Check } from "./check.js";

/** The machine's owner has the last word, by the policy file there. */
export const owner: Check = (job, { liveness }) => {
  const message = refusedByOwner(liveness?.owner, job);
  return message === undefined ? undefined : { check: "owner", message };
};
