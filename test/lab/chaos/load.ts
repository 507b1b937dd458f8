import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../../shared/fault.js";
import { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { ServiceClient } from "../../../shared/grpc.js";
import type { Ground } from "./ground.js";
import { type PlannedJob, plannedJob, specOf, wordsOf } from "./jobs.js";

export interface LoadSettings {
  seed: number;
  parent: string;
  everyMs: number;
  longestMs: number;
  /** Where each acknowledged submit is written, and synced. */
  acknowledgedPath: string;
}

const callMs = 4_000;
const againMs = 200;

/** Submits jobs at a steady pace, each until it is acknowledged, whatever state the coordinator is in. */
export class Load {
  readonly submitted = new Map<string, PlannedJob>();
  readonly #jobs: ServiceClient<typeof JobService>;
  readonly #file: number;
  readonly #pending = new Set<Promise<void>>();
  /** Calls that failed and were made again. */
  repeated = 0;

  constructor(
    private readonly ground: Ground,
    private readonly settings: LoadSettings,
  ) {
    this.#jobs = ground.connect().client(JobService);
    this.#file = openSync(settings.acknowledgedPath, "a");
  }

  /** Until `over`; then what was begun is brought to its end. */
  async run(over: () => boolean): Promise<void> {
    for (let index = 0; !over(); index++) {
      const job = plannedJob(this.settings.seed, index, this.ground.nodes.length, this.settings.longestMs);
      this.#track(this.#submit(job));
      await sleep(this.settings.everyMs);
    }
  }

  async drained(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    closeSync(this.#file);
  }

  #track(work: Promise<void>): void {
    this.#pending.add(work);
    work.then(
      () => this.#pending.delete(work),
      // Told by `drained`.
      () => {},
    );
  }

  async #submit(job: PlannedJob): Promise<void> {
    const { parent } = this.settings;
    const spec = specOf(job, this.ground.rankCommand(wordsOf(job)), this.ground.share !== undefined);
    this.submitted.set(job.name, job);
    const request = { parent, name: job.name, idempotencyKey: job.name, spec };
    await this.#untilAnswered(() => this.#jobs.createJob(request, { timeoutMs: callMs }));
    writeSync(this.#file, `${job.name}\n`);
    fsyncSync(this.#file);
    if (job.terminateAfterMs === undefined) return;
    await sleep(job.terminateAfterMs);
    const id = `${parent}/jobs/${job.name}`;
    await this.#untilAnswered(() => this.#jobs.terminateJob({ id }, { timeoutMs: callMs }));
  }

  async #untilAnswered(call: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await call();
        return;
      } catch (error) {
        if (!isAway(error)) throw error;
        this.repeated += 1;
        await sleep(againMs);
      }
    }
  }
}

/** It was killed, or stopped, or is not there yet; whatever else it answers is a mistake of somebody's. */
const isAway = (error: unknown) =>
  error instanceof Fault && (error.code === "unavailable" || error.code === "deadline-exceeded");
