import { type Draft, draft, fence, finished, keep, note, report } from "./draft.js";
import type { LeaseStep } from "./effects.js";
import type { Found } from "./events.js";
import { hasProcesses, type LeaseRun, type RankState, thawed } from "./lease-state.js";
import { proceed, startPlanned } from "./proceed.js";
import { sequenceAfterRestart } from "./reports.js";
import type { Monotonic, Now } from "./time.js";

/**
 * A restarted agent takes a lease up again. The ledger says what was decided, the folders of its processes say what was started: a folder
 * is made before its process, so what has none was never started and may be started now, and what has one never is again.
 */
export function adopt(stored: LeaseRun, found: Found, expiresAt: Monotonic, now: Now): LeaseStep<LeaseRun> {
  const at = draft(
    {
      ...stored,
      busy: false,
      preparationRunning: false,
      expiresAt,
      forgotten: false,
      searchRemains: found.sameBoot,
      nextSequence: sequenceAfterRestart(stored.nextSequence, stored.ranks.size, found.sameBoot),
    },
    now,
  );
  const started = [...found.ranks].filter(([, process]) => process.state === "started").map(([rank]) => rank);
  // What an earlier agent wrote may be gone, or never have been written.
  if (found.sameBoot) fence(at);
  takeRanks(at, found);
  if (started.length > 0) at.effects.push({ type: "adopt-ranks", ranks: started });
  switch (stored.progress.phase) {
    case "done":
      break;
    case "stopping":
      endAgain(at);
      break;
    default:
      if (found.sameBoot) goOn(at, found, started.length > 0);
      else machineRestarted(at);
  }
  keep(at, "soft");
  proceed(at);
  return finished(at);
}

function takeRanks(at: Draft, found: Found): void {
  const ranks = new Map<number, RankState>();
  for (const [rank, state] of at.run.ranks) {
    const process = found.ranks.get(rank) ?? { state: "absent" };
    if (state.state === "exited") ranks.set(rank, state);
    else if (process.state === "absent") ranks.set(rank, { state: "planned" });
    else ranks.set(rank, { state: "running", pid: process.pid });
  }
  at.run = { ...at.run, ranks };
}

function goOn(at: Draft, found: Found, anyStarted: boolean): void {
  note(at, "the agent was restarted and takes the lease up again");
  if (anyStarted || at.run.progress.phase === "running") {
    startCopies(at);
    at.effects.push({ type: "adopt-remote" });
    at.run = { ...at.run, progress: { phase: "running" }, readyReported: true };
    startPlanned(at);
  } else if (found.preparation.state === "started") {
    startCopies(at);
    at.effects.push({ type: "adopt-preparation" });
    at.run = { ...at.run, progress: { phase: "preparing", step: "preparation" }, preparationRunning: true, busy: true };
  } else if (at.run.progress.phase !== "waiting") {
    // Nothing of it was started by the user's text: each step before that may be done twice.
    at.run = { ...at.run, progress: { phase: "preparing", step: "local" } };
  }
}

/** A copier opens files that by now may be another attempt's: not before the coordinator has said that this is not so. See lapse.ts. */
function startCopies(at: Draft): void {
  if (at.run.grant.stdDirectory !== "" && at.run.expiresAt > at.now.monotonic)
    at.effects.push({ type: "start-copies" });
}

function endAgain(at: Draft): void {
  at.run = {
    ...at.run,
    progress: { phase: "stopping", step: "processes" },
    stop: { reason: at.run.stop?.reason ?? "" },
  };
  if (hasProcesses(at.run)) at.effects.push({ type: "kill" });
}

/** Its processes went with the machine; the coordinator decides what that means for the job. */
function machineRestarted(at: Draft): void {
  note(at, "the machine was started anew: what ran under the lease is gone");
  report(at, {
    type: "failed",
    failure: { code: "NodeRestarted", message: "the machine was started anew while the job ran on it", details: [] },
  });
  at.run = { ...thawed(at.run), progress: { phase: "stopping", step: "processes" } };
}
