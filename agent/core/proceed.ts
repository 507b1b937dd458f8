import { unreachable } from "../../shared/assert.js";
import { type Draft, fence, note, report } from "./draft.js";
import type { Effect } from "./effects.js";
import {
  allExited,
  hasProcesses,
  type LeaseRun,
  type PreparingStep,
  type RankState,
  type StoppingStep,
} from "./lease-state.js";

/** Goes on as far as it can without waiting for anything. */
export function proceed(at: Draft): void {
  while (!at.run.busy && !at.run.frozen && moved(at));
}

/** True when another look is worth it. */
function moved(at: Draft): boolean {
  const { progress } = at.run;
  switch (progress.phase) {
    case "waiting":
      return false;
    case "preparing":
      return prepare(at, progress.step);
    case "ready":
      return start(at);
    case "running":
      // In a gang the end is the coordinator's to say: others may still have something started here.
      if (!allExited(at.run) || at.run.grant.nodes.length > 1) return false;
      at.effects.push({ type: "close-remote" });
      at.run = { ...at.run, progress: { phase: "stopping", step: "processes" } };
      return true;
    case "stopping":
      return end(at, progress.step);
    case "done":
      return finish(at);
    default:
      return unreachable(progress);
  }
}

function prepare(at: Draft, step: PreparingStep): boolean {
  const { grant } = at.run;
  switch (step) {
    case "local":
      fence(at);
      return begin(at, { type: "prepare-local" });
    case "mounts":
      if (grant.clusterMounts.length + grant.jobMounts.length === 0) return toStep(at, "directories");
      note(at, "mounting volumes");
      return begin(at, { type: "mount" });
    case "directories":
      if (grant.directories.length === 0 && grant.stdDirectory === "") return toStep(at, "container");
      return begin(at, { type: "make-directories" });
    case "container":
      if (!grant.container) return toStep(at, "preparation");
      // The pull's progress is read while it goes on.
      if (grant.stdDirectory !== "") at.effects.push({ type: "start-copies" });
      note(at, `starting a container of ${grant.container.image}`);
      return begin(at, { type: "start-container" });
    case "preparation":
      if (grant.stdDirectory !== "") at.effects.push({ type: "start-copies" });
      if (grant.preparationCommandLine === "") return becomeReady(at);
      note(at, "job preparation starts");
      at.run = { ...at.run, preparationRunning: true };
      return begin(at, { type: "start-preparation" });
    default:
      return unreachable(step);
  }
}

function begin(at: Draft, effect: Effect): boolean {
  at.run = { ...at.run, busy: true };
  at.effects.push(effect);
  return false;
}

function toStep(at: Draft, step: PreparingStep): boolean {
  at.run = { ...at.run, progress: { phase: "preparing", step } };
  return true;
}

function becomeReady(at: Draft): boolean {
  at.run = { ...at.run, progress: { phase: "ready" } };
  return true;
}

function start(at: Draft): boolean {
  if (!at.run.readyReported) {
    report(at, { type: "ready" });
    at.run = { ...at.run, readyReported: true };
    note(at, "prepared");
  }
  if (!at.run.startRequested) return false;
  startPlanned(at);
  at.run = { ...at.run, progress: { phase: "running" } };
  return true;
}

/** Each rank is started once in an attempt: from here on it is no longer planned, whatever becomes of it. */
export function startPlanned(at: Draft): void {
  const planned = [...at.run.ranks].filter(([, { state }]) => state === "planned").map(([rank]) => rank);
  if (planned.length === 0) return;
  const ranks = new Map<number, RankState>(at.run.ranks);
  for (const rank of planned) ranks.set(rank, { state: "starting" });
  at.run = { ...at.run, ranks };
  at.effects.push({ type: "start-ranks", ranks: planned });
}

function end(at: Draft, step: StoppingStep): boolean {
  const { grant } = at.run;
  switch (step) {
    case "processes":
      if (hasProcesses(at.run)) return false;
      return toEnd(at, "remains");
    case "remains":
      // A shim that ends by itself has ended its descendants; only other ends leave something to look for.
      return at.run.searchRemains ? begin(at, { type: "kill-remains" }) : toEnd(at, "container");
    case "container":
      return grant.container ? begin(at, { type: "remove-container" }) : toEnd(at, "copies");
    case "copies":
      return grant.stdDirectory === "" ? toEnd(at, "unmount") : begin(at, { type: "finish-copies" });
    case "unmount":
      if (grant.jobMounts.length > 0) return begin(at, { type: "unmount" });
      at.run = { ...at.run, progress: { phase: "done" } };
      return true;
    default:
      return unreachable(step);
  }
}

function toEnd(at: Draft, step: StoppingStep): boolean {
  if (step === "copies") at.effects.push({ type: "unfence" });
  at.run = { ...at.run, progress: { phase: "stopping", step } };
  return true;
}

function finish(at: Draft): boolean {
  if (!at.run.doneReported) {
    at.run = { ...withoutUnstarted(at), doneReported: true };
    const { warnings, deaths } = at.run;
    report(at, { type: "done", ...(warnings ? { warnings } : {}), ...(deaths ? { deaths } : {}) });
    note(at, "nothing of the attempt is left on this node");
    if (at.keep === "memory") at.keep = "soft";
  }
  if (at.run.reports.length > 0 || !at.run.logsComplete || at.run.forgotten) return false;
  at.run = { ...at.run, forgotten: true };
  at.effects.push({ type: "forget" });
  return false;
}

/** Ranks that were never started have no logs to wait for. */
function withoutUnstarted(at: Draft): LeaseRun {
  const started = [...at.run.ranks.values()].some(({ state }) => state !== "planned");
  return started ? at.run : { ...at.run, logsComplete: true };
}
