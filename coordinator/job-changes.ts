import { join } from "node:path";
import type { Logger } from "pino";
import type { JobId } from "../shared/ids.js";
import type { State } from "./core/memory.js";
import { nodeNamed } from "./core/names.js";
import { attemptsOf } from "./core/queries.js";
import type { Job } from "./core/state.js";
import type { JobFeed } from "./feed/job-feed.js";
import type { Histories } from "./history/histories.js";
import { JobCurves } from "./history/job-curves.js";

export interface JobChangesHost {
  dataDir: string;
  state(): State;
  now(): number;
  /** Why nothing may be written now. */
  low(): string | undefined;
  feed: JobFeed;
  histories: Histories;
  /** It runs no longer, or is gone. */
  stopped(job: JobId): void;
  publish(job: Job): void;
  deleteLogs(job: JobId): Promise<void>;
  log: Logger;
}

/** As finely as it is kept, as far as that is worth it. */
const stepsMax = 2_000;

/** What else is to be done when a job changes, ends or goes: watchers, remote starts, logs, and the curves that are kept of it. */
export class JobChanges {
  readonly curves: JobCurves;

  constructor(private readonly host: JobChangesHost) {
    const { histories, log } = host;
    this.curves = new JobCurves(
      join(host.dataDir, "job-curves"),
      {
        node: (name) => nodeNamed(host.state(), name),
        read: (node, from, to) => {
          const gpus = node.inventory.gpus.map(({ uuid }) => uuid);
          return histories.read(node.name, gpus, { from, to, steps: stepsMax, now: host.now() });
        },
        now: () => host.now(),
        full: () => host.low() !== undefined,
      },
      log,
    );
  }

  /** After the start of the coordinator. */
  sweep(): void {
    const { jobs, attempts } = this.host.state();
    this.curves.sweep([...jobs.keys()].map((job) => ({ job, attempts: attempts.get(job) ?? [] })));
  }

  changed(uuid: JobId): void {
    const { state, feed, stopped, publish } = this.host;
    feed.changed(uuid);
    const job = state().jobs.get(uuid);
    if (!job) return;
    const { kind } = job.state;
    if (kind !== "preparing" && kind !== "running") stopped(uuid);
    this.curves.changed(attemptsOf(state(), job));
    publish(job);
  }

  deleted(uuid: JobId): void {
    const { feed, stopped, deleteLogs, log } = this.host;
    feed.changed(uuid);
    stopped(uuid);
    this.curves.remove(uuid);
    deleteLogs(uuid).catch((error: unknown) => {
      log.error({ err: error, job: uuid }, "a deleted job's logs could not be removed");
    });
  }

  close(): void {
    this.curves.close();
  }
}
