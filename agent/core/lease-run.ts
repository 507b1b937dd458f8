import { unreachable } from "../../shared/assert.js";
import { containerGoneText } from "./diagnosis/container.js";
import { type Draft, draft, fail, finished, keep, note, report } from "./draft.js";
import type { LeaseStep } from "./effects.js";
import type { LeaseEvent } from "./events.js";
import { lapse, ownerCame, renewed } from "./lapse.js";
import { type LeaseRun, needsContainer, planOf, type StoppingStep, withRank } from "./lease-state.js";
import { proceed } from "./proceed.js";
import { acknowledged } from "./reports.js";
import { requestStop, supersede } from "./stopping.js";
import type { Now } from "./time.js";
import { withoutSecrets } from "./without-secrets.js";

/**
 * One lease on this node, from grant to nothing left:
 *
 *   waiting → preparing (local → mounts → directories → container → preparation) → ready → running → stopping → done → forgotten
 *                 └──────────── failure, stop, superseded ──────────────────────┘  (processes → remains → container → copies → unmount)
 *
 * Frozen is beside it: nothing begins while frozen, everything else waits. See lapse.ts.
 */
export function advance(run: LeaseRun, event: LeaseEvent, now: Now): LeaseStep<LeaseRun> {
  const at = draft(run, now);
  // Whatever comes, the time that has passed came before it.
  lapse(at);
  apply(at, event);
  proceed(at);
  return finished(at, run);
}

function apply(at: Draft, event: LeaseEvent): void {
  switch (event.type) {
    case "step-finished":
      stepFinished(at, event);
      return;
    case "preparation-exited":
      preparationExited(at, event);
      return;
    case "noted":
      note(at, event.text);
      return;
    case "start-ranks":
      at.run = { ...at.run, startRequested: true };
      return;
    case "rank-started":
      rankStarted(at, event);
      return;
    case "rank-exited":
      rankExited(at, event);
      return;
    case "rank-not-started":
      rankNotStarted(at, event);
      return;
    case "remote-used":
      at.run = { ...at.run, searchRemains: true };
      return;
    case "died-remotely":
      at.run = { ...at.run, deaths: event.deaths };
      return;
    case "stop":
      requestStop(at, event.reason, event.graceful, event.graceSeconds);
      return;
    case "superseded":
      supersede(at);
      return;
    case "remains-killed":
      stoppingStepFinished(at, "remains", "container");
      return;
    case "container-gone":
      containerGone(at);
      return;
    case "container-removed":
      at.run = warned(at.run, event.warnings);
      stoppingStepFinished(at, "container", "copies");
      return;
    case "copied":
      at.run = warned(at.run, event.warnings);
      stoppingStepFinished(at, "copies", "unmount");
      return;
    case "unmounted":
      if (isAt(at, "unmount")) at.run = { ...at.run, busy: false, progress: { phase: "done" } };
      return;
    case "acknowledged":
      at.run = acknowledged(at.run, event.sequence);
      return;
    case "logs-complete":
      at.run = { ...at.run, logsComplete: true };
      return;
    case "not-recorded":
      notRecorded(at, event.message);
      return;
    case "renewed":
      renewed(at, event.until);
      return;
    case "owner-came":
      ownerCame(at);
      return;
    case "turn-came":
      if (at.run.progress.phase === "waiting") at.run = { ...at.run, progress: { phase: "preparing", step: "local" } };
      return;
    case "tick":
      tick(at);
      return;
    default:
      unreachable(event);
  }
}

function stepFinished(at: Draft, { step, failure }: Extract<LeaseEvent, { type: "step-finished" }>): void {
  const { progress } = at.run;
  const preparationRunning = step === "preparation" ? false : at.run.preparationRunning;
  // What made them may still wait for a file server, or a runtime, and would go on when that answers.
  if (failure && (step === "directories" || step === "container")) at.run = { ...at.run, searchRemains: true };
  // A step that was given up because of a stop ends as a failure that nobody asked about.
  if (progress.phase === "stopping")
    at.run = { ...at.run, preparationRunning, busy: isAt(at, "processes") ? false : at.run.busy };
  if (progress.phase !== "preparing" || progress.step !== step) return;
  at.run = { ...at.run, busy: false, preparationRunning };
  if (failure) {
    fail(at, failure);
    return;
  }
  const next = { local: "mounts", mounts: "directories", directories: "container", container: "preparation" } as const;
  at.run = {
    ...at.run,
    progress: step === "preparation" ? { phase: "ready" } : { phase: "preparing", step: next[step] },
  };
}

function preparationExited(at: Draft, { exit, errorTail }: Extract<LeaseEvent, { type: "preparation-exited" }>): void {
  if (!at.run.preparationRunning) return;
  note(at, `job preparation ended with exit code ${exit.exitCode}${exit.lost === undefined ? "" : ` (${exit.lost})`}`);
  if (exit.lost !== undefined) {
    at.run = { ...at.run, preparationRunning: false, busy: false };
    processLost(at, "job preparation", exit.lost);
    return;
  }
  const told = withoutSecrets(errorTail, at.run.grant.secrets);
  const failure = {
    code: "JobPreparationFailed",
    message: `the job preparation command ended with exit code ${exit.exitCode}`,
    details: told === "" ? [] : [{ name: "stderr", value: told }],
    exitCode: exit.exitCode,
  };
  stepFinished(at, { type: "step-finished", step: "preparation", ...(exit.exitCode === 0 ? {} : { failure }) });
}

function rankStarted(at: Draft, { rank, pid }: Extract<LeaseEvent, { type: "rank-started" }>): void {
  if (at.run.ranks.get(rank)?.state !== "starting") return;
  at.run = withRank(at.run, rank, { state: "running", pid });
  note(at, `rank ${rank} started as process ${pid}`);
}

function rankExited(at: Draft, event: Extract<LeaseEvent, { type: "rank-exited" }>): void {
  const { rank, exit, warnings } = event;
  const before = at.run.ranks.get(rank);
  if (before === undefined) return;
  const { exitCode, signal, stdoutBytes, stderrBytes, dropped, lost } = exit;
  at.effects.push({ type: "rank-log-ended", rank, stdoutBytes, stderrBytes });
  // A restarted agent is told again how its ranks ended.
  if (before.state === "exited") return;
  at.run = warned(withRank(at.run, rank, { state: "exited", exitCode }), warnings);
  if (lost !== undefined) processLost(at, `rank ${rank}`, lost);
  const told = { type: "rank-exited", rank, exitCode, signal, stdoutBytes, stderrBytes } as const;
  // What was told to end needs no cause.
  const diagnosis = at.run.stop === undefined && lost === undefined ? event.diagnosis : undefined;
  report(at, { ...told, ...(dropped ? { dropped } : {}), ...(diagnosis ? { diagnosis } : {}) });
  keep(at, "soft");
  const why = lost ?? diagnosis?.sentence;
  note(at, `rank ${rank} ended with exit code ${exitCode}${why === undefined ? "" : ` (${why})`}`);
}

/** Each is told once, however many ranks it was said of. */
function warned(run: LeaseRun, warnings: readonly string[] = []): LeaseRun {
  const fresh = warnings.filter((warning) => !run.warnings?.includes(warning));
  return fresh.length === 0 ? run : { ...run, warnings: [...(run.warnings ?? []), ...fresh] };
}

/** Its shim was killed, and it with it: how it would have ended is not known, and not the program's fault. Told first, so that this counts. */
function processLost(at: Draft, what: string, why: string): void {
  at.run = { ...at.run, searchRemains: true };
  fail(at, { code: "ProcessLost", message: `the end of ${what} is not known: ${why}`, details: [] });
}

/** Its processes may live on, in what the runtime has left of it: nothing that they do there can be trusted. */
function containerGone(at: Draft): void {
  if (!needsContainer(at.run)) return;
  fail(at, { code: "ContainerGone", message: containerGoneText, details: [] });
}

function rankNotStarted(at: Draft, { rank, message }: Extract<LeaseEvent, { type: "rank-not-started" }>): void {
  if (at.run.ranks.get(rank)?.state !== "starting") return;
  at.run = withRank(at.run, rank, { state: "exited", exitCode: 127 });
  at.effects.push({ type: "rank-log-ended", rank, stdoutBytes: 0, stderrBytes: 0 });
  const command = planOf(at.run, rank)?.commandLine ?? "";
  fail(at, {
    code: "RankStartFailed",
    message: `rank ${rank} could not be started: ${message}`,
    details: [{ name: "commandLine", value: command.slice(0, 200) }],
  });
}

const isAt = (at: Draft, step: string) => at.run.progress.phase === "stopping" && at.run.progress.step === step;

function stoppingStepFinished(at: Draft, step: StoppingStep, next: StoppingStep): void {
  if (!isAt(at, step)) return;
  at.run = { ...at.run, busy: false, progress: { phase: "stopping", step: next } };
  if (next === "copies") at.effects.push({ type: "unfence" });
}

/** The disk refused the lease's entry. What is not written down could not be adopted, so nothing is begun; what runs goes on. */
function notRecorded(at: Draft, message: string): void {
  // It was to be stopped meanwhile: nobody will say that what was not begun has ended.
  if (isAt(at, "processes")) at.run = { ...at.run, busy: false };
  if (at.run.progress.phase !== "preparing" && at.run.progress.phase !== "waiting") return;
  at.run = { ...at.run, busy: false };
  fail(at, { code: "NodeStorageFailed", message: `the node could not write its ledger: ${message}`, details: [] });
}

function tick(at: Draft): void {
  const { progress, dropAt } = at.run;
  if (progress.phase === "done" && dropAt !== undefined && dropAt <= at.now.monotonic)
    at.run = { ...at.run, reports: [], logsComplete: true };
}
