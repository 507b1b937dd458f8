import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { unreachable } from "../shared/assert.js";
import { isFull } from "../shared/disk-reserve.js";
import { Fault } from "../shared/fault.js";
import type { LeaseGrant } from "../shared/gen/stoker/v1/lease_pb.js";
import type { LeaseId } from "../shared/ids.js";
import type { Confinements } from "./accounts/confinements.js";
import { containerWish } from "./container-wish.js";
import type { Effect } from "./core/effects.js";
import {
  checkExpansion,
  directoriesOf,
  environmentOf,
  hostFileOf,
  inContainers,
  jobMountRootOf,
  jobTempOf,
  type NodePlaces,
  stdDirectoryOf,
} from "./core/environment.js";
import type { LeaseEvent } from "./core/events.js";
import { onLeaseLoss } from "./core/lapse.js";
import type { Failure, LeaseRun, PreparingStep } from "./core/lease-state.js";
import type { Report } from "./core/reports.js";
import type { ExecutionLog } from "./directories/execution-log.js";
import type { JobTemps } from "./directories/job-temps.js";
import { makeDirectories } from "./directories/shared-directories.js";
import type { NodeTests } from "./health-ports.js";
import type { Ledger } from "./ledger.js";
import type { LeaseLimits } from "./limits/lease-limits.js";
import { type DataPaths, Spool } from "./paths.js";
import type { Containers, Logs, MountFailure, Mounts, RemoteStarts, StdCopies } from "./ports.js";
import type { RankProcesses } from "./rank-processes.js";
import type { LeaseSignals } from "./ranks/lease-signals.js";
import type { Fences } from "./watchdog/fences.js";
import type { Watchdog } from "./watchdog/watchdog.js";

export interface PerformParts {
  paths: DataPaths;
  places: NodePlaces;
  ledger: Ledger;
  temps: JobTemps;
  executionLog: ExecutionLog;
  ranks: RankProcesses;
  signals: LeaseSignals;
  fences: Fences;
  confinements: Confinements;
  limits: LeaseLimits;
  /** Why the machine's owner does not let it run here, at this moment. */
  refused(grant: LeaseGrant): string | undefined;
  watchdog: Watchdog;
  mounts: Mounts;
  containers: Containers;
  logs: Logs;
  copies: StdCopies;
  remote: RemoteStarts;
  tests: NodeTests;
  report(run: LeaseRun, report: Report): void;
  tell(lease: LeaseId, event: LeaseEvent): void;
  /** Of processes that launchers of other nodes have had started here; before they are killed for their attempt's end. */
  tellDeaths(run: LeaseRun): void;
  /** Path segments of the jobs whose leases this node holds. */
  segmentsInUse(): ReadonlySet<string>;
  shimPath: string;
  /** In the background, with everything in it. */
  remove(path: string): void;
  log: Logger;
}

/** How long the copies into the job's std directory may take after its processes have ended. */
const copyLimitMs = 30_000;

/** Each effect by the adapter that does it; every end is told as an event. */
export class Performer {
  private readonly aborts = new Map<LeaseId, AbortController>();

  constructor(private readonly parts: PerformParts) {}

  perform(run: LeaseRun, effect: Effect): void {
    try {
      this.act(run, effect);
    } catch (error) {
      // What it was for comes again, or ends as a failure of its own; the lease goes on.
      if (!isFull(error)) throw error;
      this.parts.log.error({ lease: run.id, effect: effect.type, err: error }, "the disk is full: not done");
    }
  }

  private act(run: LeaseRun, effect: Effect): void {
    const { parts } = this;
    switch (effect.type) {
      case "prepare-local":
        this.step(run, "local", (signal) => this.prepareLocal(run, signal));
        return;
      case "mount":
        this.step(run, "mounts", (signal) => this.mount(run, signal));
        return;
      case "make-directories":
        this.step(run, "directories", (signal) => this.makeDirectories(run, signal));
        return;
      case "abort-step":
        this.aborts.get(run.id)?.abort();
        return;
      case "start-container":
        this.step(run, "container", (signal) => this.startContainer(run, signal));
        return;
      case "start-copies":
        parts.copies.start(run.id, this.copiesOf(run));
        return;
      case "start-preparation":
        parts.ranks.startPreparation(run);
        return;
      case "adopt-preparation":
        parts.ranks.adoptPreparation(run);
        return;
      case "start-ranks":
        parts.ranks.start(run, effect.ranks);
        return;
      case "adopt-ranks":
        parts.temps.adopt(run.grant.jobPathSegment, run.job);
        parts.ranks.adopt(run, effect.ranks);
        return;
      case "adopt-remote":
        this.later(run, "adopting remote starts", parts.remote.adopt(run.id));
        return;
      case "terminate":
        parts.ranks.terminate(run.id);
        return;
      case "kill":
        this.later(run, "killing", parts.signals.kill(run.id));
        return;
      case "kill-remains":
        this.later(run, "killing", parts.signals.kill(run.id), { type: "remains-killed" });
        return;
      case "fence":
        this.fence(run, effect.until);
        return;
      case "unfence":
        parts.limits.remove(run.id);
        parts.fences.remove(run.id);
        return;
      case "finish-copies":
        this.later(run, "finishing std files", this.finishCopies(run));
        return;
      case "unmount":
        this.later(run, "unmounting", parts.mounts.unmountAll(jobMountRootOf(run.grant, parts.places)), {
          type: "unmounted",
        });
        return;
      case "remove-container":
        this.later(run, "removing a container", this.removeContainer(run));
        return;
      case "rank-log-ended":
        this.rankLogEnded(run, effect);
        return;
      case "report":
        // All of its processes are gone, and its copiers.
        if (effect.report.event.type === "done") parts.remove(parts.confinements.tempOf(run.id));
        parts.report(run, effect.report);
        return;
      case "close-remote":
        parts.tellDeaths(run);
        parts.remote.leaseStopping(run.id);
        return;
      case "note":
        this.note(run, effect.text);
        return;
      case "forget":
        this.forget(run);
        return;
      default:
        unreachable(effect);
    }
  }

  private step(run: LeaseRun, step: PreparingStep, work: (signal: AbortSignal) => Promise<void>): void {
    const abort = new AbortController();
    this.aborts.set(run.id, abort);
    const end = (failure?: Failure) => {
      this.aborts.delete(run.id);
      this.parts.tell(run.id, failure ? { type: "step-finished", step, failure } : { type: "step-finished", step });
    };
    work(abort.signal).then(
      () => end(),
      (error: unknown) => end(failureOf(error)),
    );
  }

  /** An end that comes as an event in any case: what went wrong is for the log, the lease goes on to its end. */
  private later(run: LeaseRun, what: string, work: Promise<unknown>, event?: LeaseEvent): void {
    work
      .catch((error: unknown) => this.parts.log.error({ lease: run.id, err: error }, `${what} failed`))
      .then(() => event && this.parts.tell(run.id, event))
      .catch((error: unknown) => this.parts.log.fatal({ lease: run.id, err: error }, "an event could not be taken"));
  }

  private async prepareLocal(run: LeaseRun, signal: AbortSignal): Promise<void> {
    const { paths, places, temps, fences, watchdog } = this.parts;
    checkExpansion(run.grant, places);
    // Nothing runs here that would not be stopped in time.
    const watched = await watchdog.ready();
    if (!watched || !fences.has(run.id)) {
      const message = watched ? "the lease's deadline could not be written to the node's disk" : watchdog.problem();
      throw new StepFailure({ code: "NodeUnguarded", message, details: [] });
    }
    mkdirSync(new Spool(paths, run.id).dir, { recursive: true, mode: 0o711 });
    temps.prepare(run.grant.jobPathSegment, run.job, run.grant.attempt, this.parts.segmentsInUse());
    if (run.grant.hostFile !== "") writeFileSync(hostFileOf(run.grant, places), run.grant.hostFile);
    await this.keepToAccount(run);
    this.note(run, `lease ${run.id} granted: attempt ${run.grant.attempt} of ${run.grant.jobId}`);
    if (run.grant.testBeforeStart) await this.testGpus(run, signal);
  }

  private async testGpus(run: LeaseRun, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const problem = await this.parts.tests.beforeStart(run.grant.gpuUuids, signal);
    if (problem !== "")
      throw new StepFailure({ code: "GpuTestFailed", message: `a test failed: ${problem}`, details: [] });
    this.note(run, `its GPUs were tested for ${Math.round(performance.now() - began)} ms`);
  }

  /** As whom its processes run, and within which limits. */
  private async keepToAccount(run: LeaseRun): Promise<void> {
    const { confinements, limits, fences, places } = this.parts;
    const { grant, id } = run;
    const refusal = this.parts.refused(grant);
    if (refusal !== undefined) throw new StepFailure({ code: "OwnerRefused", message: refusal, details: [] });
    const { cpus, memoryBytes, gpuUuids } = grant;
    const share = { cpus, memoryBytes: Number(memoryBytes), gpuUuids };
    const groups = await limits.prepare(id, fences.group(id), share);
    try {
      const temp = jobTempOf(grant, places);
      const own = { own: temp, among: places.jobsRoot };
      const confinement = await confinements.prepare(id, grant.submittedBy, groups, own);
      if (!confinement) return;
      const within = directoriesOf(grant, environmentOf(grant, places), temp).filter((path) => isInside(path, temp));
      confinements.give(id, temp, grant.attempt === 1 ? within : []);
      this.note(run, `its processes are those of account ${confinement.account.name}`);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new StepFailure({ code: "AccountRefused", message: error.message, details: [] });
    }
  }

  private fence(run: LeaseRun, until: number): void {
    try {
      this.parts.fences.set(run.id, onLeaseLoss(run), until);
    } catch (error) {
      // The earlier deadline stays: at worst its processes stand still until this succeeds.
      this.parts.log.error({ lease: run.id, err: error }, "the lease's deadline could not be written");
    }
  }

  private async mount(run: LeaseRun, signal: AbortSignal): Promise<void> {
    const { mounts, places } = this.parts;
    const { clusterMounts, jobMounts } = run.grant;
    const environment = environmentOf(run.grant, places);
    const secrets = run.grant.secrets.map(({ value }) => value);
    for (const [root, plans, variables] of [
      // The cluster's owner has written these commands, which are run as root: the job's PATH or BASH_ENV is not to say what they do.
      [places.mountRoot, clusterMounts, {}],
      [jobMountRootOf(run.grant, places), jobMounts, environment],
    ] as const) {
      if (plans.length === 0) continue;
      await mounts.mount(root, plans, variables, signal, secrets, ({ relativeMountPath, kind }, tookMs) =>
        this.note(run, `${root}/${relativeMountPath} (${kind.case}) is mounted after ${Math.round(tookMs)} ms`),
      );
    }
  }

  private async makeDirectories(run: LeaseRun, signal: AbortSignal): Promise<void> {
    const { grant } = run;
    const { attempt, jobPathSegment: segment } = grant;
    const temp = jobTempOf(grant, this.parts.places);
    const environment = environmentOf(grant, this.parts.places);
    const directories = directoriesOf(grant, environment, temp);
    const stdDirectory = stdDirectoryOf(grant, environment, temp);
    const confinement = this.parts.confinements.of(run.id);
    const as = confinement ? [this.parts.shimPath, "confined", confinement.file] : [];
    const began = performance.now();
    const made = () => {
      const tookMs = Math.round(performance.now() - began);
      this.note(run, `${directories.length} directories are made after ${tookMs} ms: ${directories.join(", ")}`);
    };
    // The first attempt's own temp is new and local; anything else may lead to a server that does not answer.
    if (attempt === 1 && directories.every((path) => isInside(path, temp))) {
      if (!confinement) for (const path of directories) mkdirSync(path, { recursive: true });
      made();
      return;
    }
    const earlier = this.copiesOf(run).map(({ name }) => name);
    const problem = await makeDirectories(
      { directories, stdDirectory, earlier, attempt, lease: run.id, as, segment },
      signal,
    );
    if (problem !== undefined) {
      throw new StepFailure({
        code: "DirectoryMountError",
        message: `the job's directories could not be made: ${problem}`,
        details: [],
      });
    }
    made();
  }

  private async startContainer(run: LeaseRun, signal: AbortSignal): Promise<void> {
    const { paths, places, containers } = this.parts;
    for (const root of [places.mountRoot, jobMountRootOf(run.grant, places)]) mkdirSync(root, { recursive: true });
    const wish = containerWish(run, places, { from: paths.inside, to: inContainers.folder });
    const account = this.parts.confinements.of(run.id)?.account;
    if (wish) await containers.start({ ...wish, account }, (line) => this.note(run, line), signal);
  }

  /** Its processes have ended: what a runtime that fails leaves behind keeps nobody waiting. */
  private async removeContainer(run: LeaseRun): Promise<void> {
    const problem = await this.parts.containers.remove(run.id).catch((error: unknown) => String(error));
    const warnings = problem === "" ? [] : [`its container could not be removed yet: ${problem}`];
    if (problem !== "") await this.parts.signals.kill(run.id);
    this.parts.tell(run.id, { type: "container-removed", warnings });
  }

  private copiesOf(run: LeaseRun): Array<{ from: string; to: string; name: string }> {
    const { grant } = run;
    const { paths, places } = this.parts;
    const spool = new Spool(paths, run.id);
    const target = stdDirectoryOf(grant, environmentOf(grant, places), jobTempOf(grant, places));
    const preparation = grant.preparationCommandLine !== "";
    const all = [
      { from: spool.executionLog, name: grant.executionLogName },
      { from: join(spool.preparation, "stdout"), name: preparation ? grant.preparationStdoutName : "" },
      { from: join(spool.preparation, "stderr"), name: preparation ? grant.preparationStderrName : "" },
      ...grant.ranks.flatMap(({ rank, stdoutName, stderrName }) => [
        { from: join(spool.rank(rank), "stdout"), name: stdoutName },
        { from: join(spool.rank(rank), "stderr"), name: stderrName },
      ]),
    ];
    return all.filter(({ name }) => name !== "").map(({ from, name }) => ({ from, name, to: join(target, name) }));
  }

  /** With what people are to be told of it. */
  private async finishCopies(run: LeaseRun): Promise<void> {
    const { copies, log } = this.parts;
    this.note(run, "its processes have ended; after the last of these files the job's volumes are unmounted");
    const problem = await copies.finish(run.id, copyLimitMs).catch((error: unknown) => String(error));
    if (problem === "") {
      this.parts.tell(run.id, { type: "copied" });
      return;
    }
    log.warn({ lease: run.id, problem }, "the std files of a job are not complete in its directory");
    const warning = `std files are not whole in the job's directory (\`stoker job logs\` has them): ${problem}`;
    this.parts.tell(run.id, { type: "copied", warnings: [warning] });
  }

  private rankLogEnded(run: LeaseRun, ended: Extract<Effect, { type: "rank-log-ended" }>): void {
    this.parts.logs.ended(run.id, ended.rank, ended.stdoutBytes, ended.stderrBytes);
  }

  private note(run: LeaseRun, text: string): void {
    this.parts.log.debug({ lease: run.id }, text);
    if (run.grant.stdDirectory === "" || run.grant.executionLogName === "") return;
    this.parts.executionLog.note(new Spool(this.parts.paths, run.id).executionLog, Date.now(), text);
  }

  private forget(run: LeaseRun): void {
    const { logs, remote, ranks, signals, ledger, paths, confinements } = this.parts;
    logs.forget(run.id);
    remote.leaseGone(run.id);
    ranks.forget(run.id);
    signals.forget(run.id);
    confinements.forget(run.id);
    ledger.remove(run.id);
    this.parts.remove(new Spool(paths, run.id).dir);
  }
}

class StepFailure extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof StepFailure) return error.failure;
  if (isMountFailure(error)) return { code: error.code, message: error.message, details: error.details };
  const message = error instanceof Error ? error.message : String(error);
  if (isFull(error)) return { code: "NodeStorageFailed", message: `the node's disk is full: ${message}`, details: [] };
  return { code: "JobNodePreparationFailed", message, details: [] };
}

const isMountFailure = (error: unknown): error is MountFailure =>
  error instanceof Error &&
  "code" in error &&
  typeof error.code === "string" &&
  "details" in error &&
  Array.isArray(error.details);

const isInside = (path: string, folder: string) => path.startsWith(`${folder}/`) && !path.split("/").includes("..");
