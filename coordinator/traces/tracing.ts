import type { Heartbeat } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { jobId } from "../../shared/ids.js";
import type { Change } from "../core/changes.js";
import type { State } from "../core/memory.js";
import type { Instant } from "../core/state.js";
import { TraceExport, type TraceExportOptions } from "./exporter.js";
import { JobTraces } from "./job-traces.js";
import type { FinishedSpan } from "./span.js";

export interface TracingOptions extends TraceExportOptions {
  state(): State;
  now(): Instant;
}

const stopMs = 2_000;
/** Until the libraries are there. */
const earlyMax = 1_000;

/** Traces of jobs' lives, from what is committed to a receiver of OTLP. */
export class Tracing {
  private readonly jobs: JobTraces;
  private export: TraceExport | undefined;
  private early: FinishedSpan[] = [];

  constructor(private readonly options: TracingOptions) {
    const { state, now } = options;
    this.jobs = new JobTraces({ state, now, send: (spans) => this.send(spans) });
  }

  start(): void {
    this.jobs.start();
    TraceExport.start(this.options)
      .then((made) => {
        this.export = made;
        this.send(this.early.splice(0));
      })
      .catch((error: unknown) => this.options.log.error({ err: error }, "there are no traces"));
  }

  async stop(): Promise<void> {
    this.jobs.stop();
    await this.export?.stop(stopMs);
  }

  /** What a commit has written is looked at after the turn: nobody waits for it. */
  watch<T extends { commit(changes: readonly Change[]): void }>(rows: T): T {
    const commit = rows.commit.bind(rows);
    rows.commit = (changes) => {
      commit(changes);
      this.jobs.committed(changes);
    };
    return rows;
  }

  heard(node: string, heartbeat: Heartbeat): void {
    this.jobs.heard(node, heartbeat);
  }

  logsStored(job: string, attempt: number): void {
    this.jobs.logsStored(jobId(job), attempt);
  }

  private send(spans: readonly FinishedSpan[]): void {
    if (this.export) this.export.send(spans);
    else if (this.early.length < earlyMax) this.early.push(...spans);
  }
}
