import { type Draft, fail, fence, keep, note } from "./draft.js";
import { hasProcesses, type LeaseRun, thawed } from "./lease-state.js";
import { killNow, requestStop } from "./stopping.js";

/** What a job may choose for the time in which its node has not heard from the coordinator. */
export type OnLeaseLoss = "freeze" | "kill" | "continue";

/** What no coordinator of today asks for is the safe one. */
export function onLeaseLoss({ grant }: Pick<LeaseRun, "grant">): OnLeaseLoss {
  return grant.onLeaseLoss === "kill" || grant.onLeaseLoss === "continue" ? grant.onLeaseLoss : "freeze";
}

export const frozenReason = "not heard from the coordinator";
export const ownerReason = "the machine's owner wants it";

/**
 * Draws the conclusions from a lease that was not renewed in time. The watchdog has frozen or killed its processes by then, or is about to:
 * that is not this one's to do, nor to wait for.
 */
export function lapse(at: Draft): void {
  const { progress, stop, expiresAt, frozen } = at.run;
  const { monotonic, instant } = at.now;
  const expired = expiresAt <= monotonic;
  if (progress.phase === "done") return;
  if (progress.phase === "stopping") {
    // Neither the grace nor anything else may last longer than the lease.
    if (hasProcesses(at.run) && stop?.killAt !== undefined && (stop.killAt <= monotonic || expired)) killNow(at);
    return;
  }
  if (!expired || frozen) return;
  switch (onLeaseLoss(at.run)) {
    case "continue":
      return;
    case "kill":
      fail(at, {
        code: "LeaseLost",
        message: "the coordinator was not heard for longer than a lease lasts, and the job chose to be killed then",
        details: [],
      });
      return;
    case "freeze":
      at.run = { ...at.run, frozen: true, frozenSince: instant - Math.round(monotonic - expiresAt) };
      note(at, "the lease was not renewed in time: its processes are stopped until the coordinator answers");
      keep(at, "soft");
  }
}

/** The coordinator said that the lease is still this node's. */
export function renewed(at: Draft, until: number): void {
  if (until > at.run.expiresAt) {
    at.run = { ...at.run, expiresAt: until };
    fence(at);
  }
  if (!at.run.frozen || at.run.expiresAt <= at.now.monotonic) return;
  at.run = thawed(at.run);
  // Those that an adopting agent did not dare to start; others are at work already, and starting them again changes nothing.
  if (at.run.grant.stdDirectory !== "" && hasProcesses(at.run)) at.effects.push({ type: "start-copies" });
  note(at, "the lease was renewed: its processes go on");
  keep(at, "soft");
}

/** Its time is over now. What chose not to stand still is ended. */
export function ownerCame(at: Draft): void {
  const { progress, frozen } = at.run;
  if (progress.phase === "done" || progress.phase === "waiting") return;
  if (progress.phase === "stopping") {
    if (hasProcesses(at.run)) killNow(at);
    return;
  }
  if (onLeaseLoss(at.run) !== "freeze") {
    requestStop(at, ownerReason, false);
    return;
  }
  if (frozen) return;
  note(at, `${ownerReason}: its processes are stopped`);
  at.run = { ...at.run, expiresAt: Math.min(at.run.expiresAt, at.now.monotonic) };
  fence(at);
  lapse(at);
}

/** When this lease next has to be looked at though nothing happens. */
export function nextDeadline(run: LeaseRun): number | undefined {
  const { progress, stop, dropAt, expiresAt } = run;
  if (progress.phase === "done") return dropAt;
  if (progress.phase === "stopping") {
    const killAt = stop?.killAt;
    return killAt === undefined || !hasProcesses(run) ? undefined : Math.min(killAt, expiresAt);
  }
  return run.frozen || onLeaseLoss(run) === "continue" ? undefined : expiresAt;
}
