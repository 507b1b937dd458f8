import { type Draft, keep, note } from "./draft.js";
import { hasProcesses, thawed } from "./lease-state.js";

/** What the coordinator no longer wants to hear of is kept this long for its logs, then dropped: longer than NATS is away over a weekend. */
export const abandonAfterMs = 7 * 24 * 3_600_000;

export function requestStop(at: Draft, reason: string, graceful: boolean, graceSeconds?: number): void {
  const { progress, busy, frozen, grant } = at.run;
  if (progress.phase === "done") return;
  if (progress.phase === "stopping") {
    if (!graceful && hasProcesses(at.run)) killNow(at);
    return;
  }
  note(at, `stopping: ${reason === "" ? "the coordinator asked for it" : reason}`);
  at.effects.push({ type: "close-remote" });
  if (busy && !at.run.preparationRunning) at.effects.push({ type: "abort-step" });
  at.run = {
    ...thawed(at.run),
    progress: { phase: "stopping", step: "processes" },
    searchRemains:
      at.run.searchRemains || progress.phase === "running" || progress.phase === "ready" || hasProcesses(at.run),
    stop: { reason },
  };
  keep(at, "soft");
  if (!hasProcesses(at.run)) return;
  // A stopped process can't act on SIGTERM, and must not be let run again for it.
  if (!graceful || frozen) {
    killNow(at);
    return;
  }
  const graceMs = Math.max(0, graceSeconds ?? grant.killGraceSeconds) * 1000;
  at.run = { ...at.run, stop: { reason, killAt: at.now.monotonic + graceMs } };
  at.effects.push({ type: "terminate" });
}

export function killNow(at: Draft): void {
  at.run = { ...at.run, searchRemains: true, stop: { reason: at.run.stop?.reason ?? "" } };
  at.effects.push({ type: "kill" });
}

/** The attempt is no longer this node's: end it at once, and don't wait for ever for answers about it. */
export function supersede(at: Draft): void {
  at.run = { ...at.run, dropAt: at.run.dropAt ?? at.now.monotonic + abandonAfterMs };
  requestStop(at, "another attempt took its place, or the job is gone", false);
}
