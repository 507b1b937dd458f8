import { readinessOf, unreadiness } from "../preparation/readiness.js";
import type { Check } from "./check.js";

/** Its volumes are mounted, and its setup task has ended well. */
export const prepared: Check = (_job, { node }, { world, now }) => {
  const readiness = readinessOf(world, node);
  const words = unreadiness(readiness, now);
  if (words === undefined) return undefined;
  return {
    check: "prepared",
    message: readiness.kind === "failed" ? `is unusable: ${words}` : `is preparing: ${words}`,
  };
};
