import { doing } from "./doing.js";
import { type Effect, type Keep, type LeaseStep, stronger } from "./effects.js";
import { type Failure, hasProcesses, type LeaseRun, thawed } from "./lease-state.js";
import { type ReportEvent, reported } from "./reports.js";
import type { Now } from "./time.js";

/** One step in the making: seen by nobody until it is finished. */
export interface Draft {
  run: LeaseRun;
  readonly effects: Effect[];
  keep: Keep;
  readonly now: Now;
}

export const draft = (run: LeaseRun, now: Now): Draft => ({ run, effects: [], keep: "memory", now });

/** `before`: the lease before this step, if there was one. */
export function finished(at: Draft, before?: LeaseRun): LeaseStep<LeaseRun> {
  const same = before?.doingSince !== undefined && doing(before) === doing(at.run);
  const run = { ...at.run, doingSince: same ? before.doingSince : at.now.instant };
  return { run, effects: at.effects, keep: at.keep };
}

export function keep(at: Draft, how: Keep): void {
  at.keep = stronger(at.keep, how);
}

export function note(at: Draft, text: string): void {
  at.effects.push({ type: "note", text });
}

export function report(at: Draft, event: ReportEvent): void {
  at.run = reported(at.run, event, at.now);
  const last = at.run.reports.at(-1);
  if (last) at.effects.push({ type: "report", report: last });
}

/** Tells the watchdog until when it may run, while anything of it could. */
export function fence(at: Draft): void {
  const { progress, expiresAt } = at.run;
  const over = progress.phase === "stopping" && (progress.step === "copies" || progress.step === "unmount");
  if (over || progress.phase === "waiting" || progress.phase === "done") return;
  at.effects.push({ type: "fence", until: expiresAt });
}

/** Nothing more is begun; what runs is ended at once. */
export function fail(at: Draft, failure: Failure): void {
  if (at.run.progress.phase === "stopping" || at.run.progress.phase === "done") return;
  note(at, `failed: ${failure.code}: ${failure.message}`);
  report(at, { type: "failed", failure });
  keep(at, "safe");
  at.run = { ...thawed(at.run), progress: { phase: "stopping", step: "processes" } };
  at.effects.push({ type: "close-remote" });
  if (hasProcesses(at.run)) {
    at.run = { ...at.run, searchRemains: true };
    at.effects.push({ type: "kill" });
  }
}
