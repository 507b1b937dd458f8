import type { Diagnosis } from "./diagnosis/diagnosis.js";
import type { Death } from "./diagnosis/remote.js";
import type { Dropped } from "./events.js";
import type { Failure, LeaseRun } from "./lease-state.js";
import type { Instant, Now } from "./time.js";

interface RankExited {
  type: "rank-exited";
  rank: number;
  exitCode: number;
  signal: number;
  stdoutBytes: number;
  stderrBytes: number;
  dropped?: Dropped;
  diagnosis?: Diagnosis;
}

export type ReportEvent =
  | { type: "ready" }
  /** In the ledgers of earlier agents alone: nothing ever followed from it. */
  | { type: "rank-started"; rank: number; pid: number }
  | RankExited
  | { type: "failed"; failure: Failure }
  | { type: "done"; warnings?: readonly string[]; deaths?: readonly Death[] };

/** At-least-once: kept and sent again after each reconnect, until the coordinator acknowledges its sequence. */
export interface Report {
  sequence: number;
  time: Instant;
  event: ReportEvent;
}

/** `soon`: nobody waits for it. The ranks of a lease that waits for no other begin by themselves. */
export type Urgency = "now" | "soon";

export const urgencyOf = ({ grant }: Pick<LeaseRun, "grant">, { event }: Report): Urgency =>
  event.type === "ready" && grant.startWhenReady ? "soon" : "now";

/** The run that holds the new report. */
export function reported(run: LeaseRun, event: ReportEvent, now: Now): LeaseRun {
  const report: Report = { sequence: run.nextSequence, time: now.instant, event };
  return { ...run, reports: [...run.reports, report], nextSequence: run.nextSequence + 1 };
}

/** Forgets everything up to `sequence`; one that was never given out is the coordinator's mistake and changes nothing. */
export function acknowledged(run: LeaseRun, sequence: number): LeaseRun {
  if (sequence >= run.nextSequence) return run;
  return { ...run, reports: run.reports.filter((report) => report.sequence > sequence) };
}

/**
 * What a restarted agent reports must come after all that its predecessor sent, or it would be taken for a repetition. Of what was sent, the
 * ledger may lack the ready one when the agent died (and, of an earlier agent, one for each rank that it started); when the machine lost its
 * power, everything since the last sync: far more than a lease ever reports.
 */
export const sequenceAfterRestart = (stored: number, ranks: number, sameBoot: boolean) =>
  stored + (sameBoot ? ranks + 2 : 1_000_000);
