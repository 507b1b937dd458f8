import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { LeaseId } from "../shared/ids.js";
import type { Diagnosis } from "./core/diagnosis/diagnosis.js";
import { environmentOf, jobTempOf, rankEnvironmentOf, shellText, withLogLimit } from "./core/environment.js";
import type { Found, FoundProcess, LeaseEvent, RankExit } from "./core/events.js";
import { type LeaseRun, planOf } from "./core/lease-state.js";
import { tail } from "./file-tail.js";
import { fullDisks } from "./full-disks.js";
import { type DataPaths, Spool } from "./paths.js";
import type { Logs, ShimExit, ShimProcess, Shims } from "./ports.js";
import type { RankPipes } from "./ranks/rank-pipes.js";
import { droppedOf, lengthOf, lost, readPid } from "./ranks/shim-files.js";
import type { AllSurroundings, Surroundings } from "./surroundings.js";

const tailBytes = 2_000;

/** The processes that the agent itself starts for a lease, and what becomes of them. */
export class RankProcesses {
  private readonly running = new Map<LeaseId, Set<ShimProcess>>();
  /** Whose processes were asked to end: one that was just being started is asked as soon as it is known. */
  private readonly terminating = new Set<LeaseId>();

  constructor(
    private readonly paths: DataPaths,
    private readonly surroundings: AllSurroundings,
    private readonly shims: Shims,
    private readonly pipes: RankPipes,
    private readonly logs: Logs,
    private readonly tell: (lease: LeaseId, event: LeaseEvent) => void,
    /** Resolves when a search for processes of the lease finds none that lives. */
    private readonly killRemains: (lease: LeaseId) => Promise<void>,
    /** Why a process whose folder is `dir` ended badly, if that can be told. */
    private readonly explain: (run: LeaseRun, dir: string, exit: RankExit) => Diagnosis | undefined,
    private readonly log: Logger,
  ) {}

  start(run: LeaseRun, ranks: readonly number[]): void {
    let where: Surroundings;
    try {
      where = this.surroundings.of(run);
    } catch (error) {
      for (const rank of ranks) this.tell(run.id, { type: "rank-not-started", rank, message: words(error) });
      return;
    }
    const environment = environmentOf(run.grant, where.places);
    for (const rank of ranks) this.startRank(run, rank, where, environment);
  }

  adopt(run: LeaseRun, ranks: readonly number[]): void {
    for (const rank of ranks) {
      const dir = new Spool(this.paths, run.id).rank(rank);
      this.logs.follow(run.id, rank, dir);
      this.take(run.id, dir, (exit) => this.rankExited(run, rank, exit));
    }
  }

  startPreparation(run: LeaseRun): void {
    const dir = new Spool(this.paths, run.id).preparation;
    this.prepare(run, dir).then(
      (process) => this.watch(run.id, process, (exit) => this.preparationExited(run.id, dir, exit)),
      (error: unknown) => {
        const failure = {
          code: "JobPreparationFailed",
          message: `job preparation could not be started: ${words(error)}`,
          details: [],
        };
        this.tell(run.id, { type: "step-finished", step: "preparation", failure });
      },
    );
  }

  private async prepare(run: LeaseRun, dir: string): Promise<ShimProcess> {
    const { grant } = run;
    const { places, within, confine } = this.surroundings.of(run);
    return this.shims.start({
      dir,
      argv: within(["/bin/bash", "-c", shellText(grant.preparationCommandLine)]),
      environment: withLogLimit(environmentOf(grant, places), grant),
      cwd: jobTempOf(grant, places),
      confine,
    });
  }

  adoptPreparation(run: LeaseRun): void {
    const dir = new Spool(this.paths, run.id).preparation;
    this.take(run.id, dir, (exit) => this.preparationExited(run.id, dir, exit));
  }

  /** What an earlier agent started, by the folders that it made. */
  find(run: LeaseRun, sameBoot: boolean): Found {
    const spool = new Spool(this.paths, run.id);
    const look = (dir: string): FoundProcess =>
      existsSync(dir) ? { state: "started", pid: readPid(dir) ?? 0 } : { state: "absent" };
    return {
      sameBoot,
      preparation: look(spool.preparation),
      ranks: new Map(run.grant.ranks.map(({ rank }) => [rank, look(spool.rank(rank))])),
    };
  }

  terminate(lease: LeaseId): void {
    this.terminating.add(lease);
    for (const process of this.running.get(lease) ?? []) this.shims.signal(process, "SIGTERM");
  }

  forget(lease: LeaseId): void {
    this.running.delete(lease);
    this.terminating.delete(lease);
  }

  private startRank(
    run: LeaseRun,
    rank: number,
    { places, within, confine }: Surroundings,
    environment: Record<string, string>,
  ): void {
    const plan = planOf(run, rank);
    if (!plan) return;
    const dir = new Spool(this.paths, run.id).rank(rank);
    this.shims
      .start({
        dir,
        argv: within(["/bin/bash", "-c", shellText(plan.commandLine)]),
        environment: withLogLimit(rankEnvironmentOf(environment, plan, run.grant, places), run.grant),
        cwd: jobTempOf(run.grant, places),
        confine,
      })
      .then(
        (process) => {
          this.logs.follow(run.id, rank, dir);
          this.tell(run.id, { type: "rank-started", rank, pid: process.pid });
          this.watch(run.id, process, (exit) => this.rankExited(run, rank, exit));
        },
        (error: unknown) => this.tell(run.id, { type: "rank-not-started", rank, message: words(error) }),
      );
  }

  private rankExited(run: LeaseRun, rank: number, exit: RankExit): void {
    const { id } = run;
    const warnings = exit.exitCode === 0 ? [] : fullDisks([this.paths.data]);
    const dir = new Spool(this.paths, id).rank(rank);
    const diagnosis = exit.exitCode === 0 ? undefined : this.explain(run, dir, exit);
    this.tell(id, { type: "rank-exited", rank, exit, warnings, ...(diagnosis ? { diagnosis } : {}) });
  }

  private take(lease: LeaseId, dir: string, ended: (exit: RankExit) => void): void {
    this.shims.adopt(dir).then(
      (process) => {
        if (process) this.watch(lease, process, ended);
        else ended(exitOf(dir, lost("its folder is gone")));
      },
      (error: unknown) => ended(exitOf(dir, lost(words(error)))),
    );
  }

  private watch(lease: LeaseId, process: ShimProcess, ended: (exit: RankExit) => void): void {
    const all = this.running.get(lease) ?? new Set();
    this.running.set(lease, all.add(process));
    this.pipes.hold(process.dir);
    if (this.terminating.has(lease)) this.shims.signal(process, "SIGTERM");
    process.exited
      .then(async (exit) => {
        all.delete(process);
        if (exit.lost !== undefined) {
          this.log.warn({ lease, dir: process.dir, why: exit.lost }, "an exit is not known");
          // What no shim answers for any more could go on writing after its log was said to be complete.
          await this.killRemains(lease);
          await this.pipes.salvage(process.dir);
        }
        this.pipes.release(process.dir);
        ended(exitOf(process.dir, exit));
      })
      .catch((error: unknown) => ended(exitOf(process.dir, lost(words(error)))));
  }

  private preparationExited(lease: LeaseId, dir: string, exit: RankExit): void {
    const errorTail = exit.exitCode === 0 ? "" : tail(join(dir, "stderr"), tailBytes);
    this.tell(lease, { type: "preparation-exited", exit, errorTail });
  }
}

function exitOf(dir: string, { exitCode, signal, lost: why, written = writtenTo(dir) }: ShimExit): RankExit {
  const [stdoutBytes, stderrBytes] = written.bytes;
  const [stdout, stderr] = written.dropped;
  return {
    ...{ exitCode, signal, stdoutBytes, stderrBytes },
    ...(stdout + stderr > 0 ? { dropped: { stdout, stderr } } : {}),
    ...(why === undefined ? {} : { lost: why }),
  };
}

const writtenTo = (dir: string): NonNullable<ShimExit["written"]> => ({
  bytes: [lengthOf(join(dir, "stdout")), lengthOf(join(dir, "stderr"))],
  dropped: [droppedOf(dir, "stdout"), droppedOf(dir, "stderr")],
});

const words = (error: unknown) => (error instanceof Error ? error.message : String(error));
