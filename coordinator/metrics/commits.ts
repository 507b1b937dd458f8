import { Counter, Histogram, type Registry } from "prom-client";
import { type Change, isRowChange } from "../core/changes.js";
import type { Attempt } from "../core/state.js";

/** As alerts want them: whose fault was it? */
export type AttemptEnd = "succeeded" | "failed" | "machine-failed" | "lost" | "preempted" | "terminated";

/** Undefined while it lasts. A failure has an exit code when the job's own program is to blame. */
export function endOf({ state, endedAt, exitCode }: Attempt): AttemptEnd | undefined {
  if (endedAt === undefined || state === "preparing" || state === "running" || state === "stopping") return undefined;
  return state === "failed" && exitCode === undefined ? "machine-failed" : state;
}

const ends: readonly AttemptEnd[] = ["succeeded", "failed", "machine-failed", "lost", "preempted", "terminated"];

/** Counts what is on disk, as it gets there: what the state of a moment does not tell. */
export class CommitMetrics {
  private readonly seconds: Histogram;
  private readonly failures: Counter;
  private readonly started: Counter;
  private readonly ended: Counter<"outcome">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.seconds = new Histogram({
      name: "stoker_catalog_commit_duration_seconds",
      help: "Time that a commit of the catalog took, until it was on disk",
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    });
    this.failures = new Counter({
      name: "stoker_catalog_commit_failures_total",
      help: "Commits of the catalog that the disk refused",
      registers,
    });
    this.started = new Counter({
      name: "stoker_attempts_started_total",
      help: "Attempts that were placed on nodes",
      registers,
    });
    this.ended = new Counter({
      name: "stoker_attempts_ended_total",
      help: "Attempts that ended: succeeded, failed (by the job's own program), machine-failed, lost, preempted or terminated",
      labelNames: ["outcome"],
      registers,
    });
    for (const outcome of ends) this.ended.inc({ outcome }, 0);
  }

  /** Does it, and counts it when it is done. */
  timed(changes: readonly Change[], commit: (changes: readonly Change[]) => void): void {
    if (!changes.some(isRowChange)) {
      commit(changes);
      return;
    }
    const done = this.seconds.startTimer();
    try {
      commit(changes);
    } catch (error) {
      this.failures.inc();
      throw error;
    }
    done();
    for (const change of changes) {
      if (change.kind === "put" && change.table === "attempt") this.count(change.row);
    }
  }

  private count(attempt: Attempt): void {
    const outcome = endOf(attempt);
    if (outcome !== undefined) this.ended.inc({ outcome });
    else if (attempt.state === "preparing") this.started.inc();
  }
}
