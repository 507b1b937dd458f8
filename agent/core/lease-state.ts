import type { LeaseGrant, RankPlan } from "../../shared/gen/stoker/v1/lease_pb.js";
import type { JobId, LeaseId } from "../../shared/ids.js";
import type { Death } from "./diagnosis/remote.js";
import type { Report } from "./reports.js";
import type { Instant, Monotonic } from "./time.js";

/** What goes wrong in a job's errors: Batch AI's code where it had one, else ours. */
export interface Failure {
  code: string;
  message: string;
  details: ReadonlyArray<{ name: string; value: string }>;
  exitCode?: number;
}

/** As far as preparation has come; each is done by an adapter, one at a time. */
export type PreparingStep = "local" | "mounts" | "directories" | "container" | "preparation";

/**
 * Where the end has come to: its processes are ended, then whatever is left of them is looked for, then its container is removed, then std
 * files are copied to their end, then the job's volumes are unmounted.
 */
export type StoppingStep = "processes" | "remains" | "container" | "copies" | "unmount";

export type Progress =
  /** Another attempt of the same job must be gone from this node first. */
  | { phase: "waiting" }
  | { phase: "preparing"; step: PreparingStep }
  /** Waits for the rest of the gang. */
  | { phase: "ready" }
  | { phase: "running" }
  | { phase: "stopping"; step: StoppingStep }
  | { phase: "done" };

export type RankState =
  | { state: "planned" }
  | { state: "starting" }
  | { state: "running"; pid: number }
  | { state: "exited"; exitCode: number };

export interface Stop {
  reason: string;
  /** SIGKILL is due then; undefined when it was already sent. */
  killAt?: Monotonic;
}

/** This node's share of one lease. Everything in it is plain, so that the ledger can hold it. */
export interface LeaseRun {
  readonly grant: LeaseGrant;
  readonly id: LeaseId;
  readonly job: JobId;
  readonly progress: Progress;
  /** An adapter is at work for the present step; its end is told by an event. */
  readonly busy: boolean;
  readonly startRequested: boolean;
  readonly ranks: ReadonlyMap<number, RankState>;
  readonly preparationRunning: boolean;
  readonly stop?: Stop;
  /** Processes may be left that no shim answers for: look for them at the end. */
  readonly searchRemains: boolean;
  /** Since when it is at what it does now: see doing.ts. */
  readonly doingSince?: Instant;
  /** Its processes are stopped because it was not renewed in time. */
  readonly frozen: boolean;
  /** Since when, while it is. */
  readonly frozenSince?: Instant;
  readonly expiresAt: Monotonic;
  /** The coordinator has no more use for it: what it does not acknowledge is dropped then. */
  readonly dropAt?: Monotonic;
  readonly readyReported: boolean;
  readonly doneReported: boolean;
  readonly logsComplete: boolean;
  /** What went wrong beside the job, for people. */
  readonly warnings?: readonly string[];
  /** Of processes that launchers of other nodes had had started here. */
  readonly deaths?: readonly Death[];
  /** Nothing is left to do for it: the engine lets it go. */
  readonly forgotten: boolean;
  /** Not yet acknowledged, in order. */
  readonly reports: readonly Report[];
  readonly nextSequence: number;
}

export function newRun(
  grant: LeaseGrant,
  id: { lease: LeaseId; job: JobId },
  expiresAt: Monotonic,
  progress: Progress,
): LeaseRun {
  return {
    grant,
    id: id.lease,
    job: id.job,
    progress,
    busy: false,
    startRequested: grant.startWhenReady,
    ranks: new Map(grant.ranks.map(({ rank }) => [rank, { state: "planned" }])),
    preparationRunning: false,
    searchRemains: false,
    frozen: false,
    expiresAt,
    readyReported: false,
    doneReported: false,
    forgotten: false,
    logsComplete: grant.ranks.length === 0,
    reports: [],
    nextSequence: 1,
  };
}

/** True while something that the node started for the lease may run. */
export function hasProcesses(run: LeaseRun): boolean {
  if (run.preparationRunning) return true;
  for (const { state } of run.ranks.values()) if (state === "starting" || state === "running") return true;
  return false;
}

export const allExited = (run: LeaseRun) =>
  run.ranks.size > 0 && [...run.ranks.values()].every(({ state }) => state === "exited");

export const withRank = (run: LeaseRun, rank: number, state: RankState): LeaseRun => ({
  ...run,
  ranks: new Map(run.ranks).set(rank, state),
});

export function thawed({ frozenSince: _, ...run }: LeaseRun): LeaseRun {
  return { ...run, frozen: false };
}

export const planOf = (run: LeaseRun, rank: number): RankPlan | undefined =>
  run.grant.ranks.find((plan) => plan.rank === rank);

/** It was started for the lease, whose processes run or will run in it. */
export function needsContainer({ grant, progress }: Pick<LeaseRun, "grant" | "progress">): boolean {
  if (grant.container === undefined) return false;
  const { phase } = progress;
  return phase === "ready" || phase === "running" || (phase === "preparing" && progress.step === "preparation");
}
