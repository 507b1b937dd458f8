import type { World } from "../memory.js";
import type { Job } from "../state.js";
import { account } from "./account.js";
import { avoided } from "./avoided.js";
import type { Blocked, Candidate, Check, JobCheck } from "./check.js";
import { cleaned } from "./cleaned.js";
import { clusterSize } from "./cluster-size.js";
import { containers } from "./containers.js";
import { cpus } from "./cpus.js";
import { drained } from "./drained.js";
import { gathered } from "./gathered.js";
import { gpus } from "./gpus.js";
import { healthy } from "./healthy.js";
import { inCluster } from "./in-cluster.js";
import { leaving } from "./leaving.js";
import { memory } from "./memory.js";
import { owner } from "./owner.js";
import { prepared } from "./prepared.js";
import { quota } from "./quota.js";
import { ready } from "./ready.js";
import { secrets } from "./secrets.js";
import { storage } from "./storage.js";
import { unshared } from "./unshared.js";

/** About the job alone. */
export const ofJob: readonly JobCheck[] = [clusterSize, secrets, quota, storage];
/** In this order: the first that objects is the reason told. */
export const standing: readonly Check[] = [
  inCluster,
  gathered,
  ready,
  prepared,
  healthy,
  owner,
  drained,
  leaving,
  cleaned,
];
/** Whether the machine is one for this job. */
export const fitting: readonly Check[] = [containers, account];
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

/** A pass asks about quotas once for all jobs that need alike: see quota/held-back.ts. */
export const besidesQuota = ofJob.filter((check) => check !== quota);

export function jobObjection(job: Job, world: World, checks = ofJob): Blocked | undefined {
  for (const check of checks) {
    const blocked = check(job, world);
    if (blocked) return blocked;
  }
  return undefined;
}
