import type { Heartbeat } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { type JobId, parseLeaseId } from "../../shared/ids.js";
import type { Change } from "../core/changes.js";
import { explain } from "../core/explain.js";
import { leaseOf } from "../core/indexes.js";
import type { State } from "../core/memory.js";
import type { Instant, Job } from "../core/state.js";
import { follow, hearStep, newProgress, type Progress } from "./progress.js";
import type { FinishedSpan } from "./span.js";
import { attemptSpans, jobSpan, queuedSpan, type WaitNote } from "./spans.js";

export interface JobTracesOptions {
  state(): State;
  now(): Instant;
  send(spans: readonly FinishedSpan[]): void;
}

/** The last bytes of logs come a moment after the end of an attempt. */
const logsMs = 3_000;
const lookMs = 10_000;
/** What a commit takes, at the most. */
const freshMs = 5_000;
/** Jobs whose reason to wait is looked up at a time; and notes of one job. */
const looksMax = 20;
const notesMax = 10;
const notedMax = 1_000;

/** Makes the spans of jobs out of what is committed and heard, each when it has ended. Spans of what is not over are in memory alone. */
export class JobTraces {
  private readonly live = new Map<JobId, Progress>();
  private readonly notes = new Map<JobId, WaitNote[]>();
  private readonly closing = new Set<{ timer: NodeJS.Timeout; emit: () => void }>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: JobTracesOptions) {}

  start(): void {
    this.timer = setInterval(() => this.look(), lookMs);
    this.timer.unref();
  }

  /** What has ended is sent. */
  stop(): void {
    clearInterval(this.timer);
    for (const one of [...this.closing]) one.emit();
  }

  /** Of what has just been committed, and is in the state by now. */
  committed(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === "put" && change.table === "job") this.took(change.row);
      if (change.kind === "delete" && change.table === "job") this.live.delete(change.key as JobId);
    }
  }

  heard(node: string, { leases }: Heartbeat): void {
    const now = this.options.now();
    for (const { leaseId, step, stepSince } of leases) {
      const id = parseLeaseId(leaseId);
      const progress = id && this.live.get(id.job);
      if (progress?.lease !== leaseId) continue;
      hearStep(progress, node, step.slice(0, 200), stepSince ? Number(stepSince.seconds) * 1000 : now, now);
    }
  }

  /** Bytes of its logs are safe. */
  logsStored(uuid: JobId, attempt: number): void {
    const progress = this.live.get(uuid) ?? this.lately.get(uuid);
    if (progress?.attempt === attempt) progress.logsAt = this.options.now();
  }

  /** Whose spans wait for the last of their logs. */
  private readonly lately = new Map<JobId, Progress>();

  private took(job: Job): void {
    const now = this.options.now();
    const lease = leaseOf(job);
    const known = this.live.get(job.uuid);
    if (known && known.lease !== lease?.id) this.attemptEnded(job, known);
    if (lease) {
      const progress = this.live.get(job.uuid) ?? newProgress(lease);
      const isNew = !this.live.has(job.uuid);
      this.live.set(job.uuid, progress);
      follow(progress, job, now);
      // A lease that was found at our start began its life under another coordinator, which has told how it was queued.
      if (isNew && job.state.kind === "preparing" && job.state.since === lease.grantedAt) {
        this.queueLeft(job, lease.attempt, lease.grantedAt);
      }
    }
    // The row is written again for other reasons; the job ends once.
    if (job.state.kind === "finished" && now - job.state.since < freshMs) this.finished(job, job.state.since);
  }

  private queueLeft(job: Job, number: number, to: Instant): void {
    const notes = this.notes.get(job.uuid) ?? [];
    this.notes.delete(job.uuid);
    this.options.send([queuedSpan(this.options.state(), job, { number, to, notes })]);
  }

  private attemptEnded(job: Job, progress: Progress): void {
    this.live.delete(job.uuid);
    follow(progress, job, this.options.now());
    const world = this.options.state();
    const attempt = world.attempts.get(job.uuid)?.find(({ number }) => number === progress.attempt);
    if (!attempt) return;
    for (const node of progress.nodes.values()) node.endedAt ??= attempt.endedAt ?? this.options.now();
    this.lately.set(job.uuid, progress);
    const emit = () => {
      clearTimeout(one.timer);
      this.closing.delete(one);
      if (this.lately.get(job.uuid) === progress) this.lately.delete(job.uuid);
      this.options.send(attemptSpans(this.options.state(), job, attempt, progress));
    };
    const one = { timer: setTimeout(emit, logsMs), emit };
    one.timer.unref();
    this.closing.add(one);
  }

  private finished(job: Job, at: Instant): void {
    const world = this.options.state();
    if (this.ended.has(job.uuid)) return;
    this.ended.add(job.uuid);
    if (this.ended.size > notedMax) for (const first of this.ended) if (this.ended.delete(first)) break;
    if (job.attempt === 0) this.queueLeft(job, 1, at);
    const span = jobSpan(world, job);
    if (span) this.options.send([span]);
    this.notes.delete(job.uuid);
  }

  /** The latest that have ended. */
  private readonly ended = new Set<JobId>();

  /** Why those that come next still wait. */
  private look(): void {
    const world = this.options.state();
    const now = this.options.now();
    let looks = 0;
    for (const queue of world.index.queue.values()) {
      for (const uuid of queue.values()) {
        const job = world.jobs.get(uuid);
        if (job?.state.kind !== "queued" || looks >= looksMax) break;
        looks += 1;
        this.note(job, { at: now, reason: explain(world, job, now).summary.slice(0, 500) });
      }
    }
  }

  private note(job: Job, note: WaitNote): void {
    const before = this.notes.get(job.uuid) ?? [];
    if (before.at(-1)?.reason === note.reason || (before.length === 0 && this.notes.size >= notedMax)) return;
    this.notes.set(job.uuid, [...before, note].slice(-notesMax));
  }
}
