import type { Settings } from "../settings.js";
import { backfill } from "./backfill.js";
import { fifo } from "./fifo.js";
import type { Policy } from "./policy.js";

/** By the name in the configuration. All share one order of the queue: see priority.ts. */
export const policies: Readonly<Record<Settings["policy"], Policy>> = { backfill, fifo };
