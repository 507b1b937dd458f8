import type { Policy } from "./policy.js";

/** Nobody overtakes. */
export const fifo: Policy = { behind: () => undefined };
