import type { LeaseId } from "../../shared/ids.js";
import type { Report } from "./reports.js";
import type { Monotonic } from "./time.js";

/** What the engine does for a lease after the ledger has its new state. Each names the event that tells its end. */
export type Effect =
  /** The spool, the job's temp, the host file → step-finished local. */
  | { type: "prepare-local" }
  /** → step-finished mounts */
  | { type: "mount" }
  /** → step-finished directories */
  | { type: "make-directories" }
  /** Its image is pulled where it is not here yet → step-finished container */
  | { type: "start-container" }
  | { type: "start-copies" }
  /** → preparation-exited */
  | { type: "start-preparation" }
  /** → preparation-exited */
  | { type: "adopt-preparation" }
  /** → rank-started or rank-not-started, later rank-exited, for each */
  | { type: "start-ranks"; ranks: readonly number[] }
  /** → rank-exited for each */
  | { type: "adopt-ranks"; ranks: readonly number[] }
  | { type: "adopt-remote" }
  /** The adapter at work gives up soon → its own event, as a failure. */
  | { type: "abort-step" }
  | { type: "terminate" }
  /** SIGKILL to everything of the lease; each process's exit follows by itself. */
  | { type: "kill" }
  /** Kills until a search finds nothing → remains-killed */
  | { type: "kill-remains" }
  /** → container-removed */
  | { type: "remove-container" }
  /**
   * Until then the lease's processes may run. Written where the watchdog reads it, which freezes them when that time has passed (or kills them,
   * or lets them run, as the job says) and lets them go on when a later one is written. Nothing of the lease is started before the first.
   */
  | { type: "fence"; until: Monotonic }
  /** Nothing is left that could run: the watchdog need not look after it. */
  | { type: "unfence" }
  /** → copied */
  | { type: "finish-copies" }
  /** → unmounted */
  | { type: "unmount" }
  | { type: "rank-log-ended"; rank: number; stdoutBytes: number; stderrBytes: number }
  | { type: "report"; report: Report }
  /** The lease's ranks may no longer be started here, by others neither. */
  | { type: "close-remote" }
  /** A line for execution.log. */
  | { type: "note"; text: string }
  /** Removes what is left of the lease: spool, logs, ledger entry. */
  | { type: "forget" };

/** How surely the new state must be on disk before the effects: `safe` outlives a power cut, `soft` a crash of the agent. */
export type Keep = "safe" | "soft" | "memory";

const strength: Record<Keep, number> = { memory: 0, soft: 1, safe: 2 };

export const stronger = (one: Keep, other: Keep): Keep => (strength[one] < strength[other] ? other : one);

export interface LeaseStep<Run> {
  run: Run;
  effects: readonly Effect[];
  keep: Keep;
}

export interface LeaseEffects {
  lease: LeaseId;
  keep: Keep;
  effects: readonly Effect[];
}
