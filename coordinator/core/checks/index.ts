import { avoided } from "./avoided.js";
import type { Blocked, Candidate, Check } from "./check.js";
import { cleaned } from "./cleaned.js";
import { cpus } from "./cpus.js";
import { drained } from "./drained.js";
import { gathered } from "./gathered.js";
import { gpus } from "./gpus.js";
import { healthy } from "./healthy.js";
import { inCluster } from "./in-cluster.js";
import { leaving } from "./leaving.js";
import { memory } from "./memory.js";
import { ready } from "./ready.js";
import { unshared } from "./unshared.js";

/** In this order: the first that objects is the reason told. */
export const standing: readonly Check[] = [inCluster, gathered, ready, healthy, drained, leaving, cleaned];
/** About room, which ends of other jobs bring. */
export const room: readonly Check[] = [unshared, gpus, cpus, memory];
/** Kept to while enough nodes are left that pass. */
export const wishes: readonly Check[] = [avoided];

export function firstObjection(
  checks: readonly Check[],
  job: Parameters<Check>[0],
  candidate: Candidate,
  at: Parameters<Check>[2],
): Blocked | undefined {
  for (const check of checks) {
    const blocked = check(job, candidate, at);
    if (blocked) return blocked;
  }
  return undefined;
}
