import type { JobId, LeaseId } from "../../shared/ids.js";
import type { LeaseRun } from "./lease-state.js";
import { nothingSent, type Sent } from "./renewal.js";
import type { Monotonic } from "./time.js";
import type { WitnessState } from "./witness.js";

export interface AgentState {
  readonly leases: ReadonlyMap<LeaseId, LeaseRun>;
  /** Newest attempt known of each job, also of those already forgotten: an older grant that comes late is refused. */
  readonly attempts: ReadonlyMap<JobId, number>;
  readonly sent: Sent;
  /** Sending time of the newest heartbeat (or Hello) that was answered; leases count from it. */
  readonly answeredAt: Monotonic | undefined;
  readonly ttlMs: number;
  /** The machine's owner is there: nothing of any job may run, whatever the coordinator says. */
  readonly ownerIsHere: boolean;
  /** Undefined where this node asks nobody, and answers nobody. */
  readonly witness: WitnessState | undefined;
}

/** Until the first Welcome says how long leases last. */
export const defaultTtlMs = 12_000;

export const emptyState: AgentState = {
  leases: new Map(),
  attempts: new Map(),
  sent: nothingSent,
  answeredAt: undefined,
  ttlMs: defaultTtlMs,
  ownerIsHere: false,
  witness: undefined,
};

const attemptsRemembered = 256;

export function withAttempt(
  attempts: ReadonlyMap<JobId, number>,
  job: JobId,
  attempt: number,
): ReadonlyMap<JobId, number> {
  const all = new Map(attempts);
  all.delete(job);
  all.set(job, attempt);
  for (const oldest of all.keys()) {
    if (all.size <= attemptsRemembered) break;
    all.delete(oldest);
  }
  return all;
}
