import { type Change, isRowChange } from "../../../coordinator/core/changes.js";
import type { ApiEvent } from "../../../coordinator/core/events.js";
import { explain } from "../../../coordinator/core/explain.js";
import { brokenLaws } from "../../../coordinator/core/invariants.js";
import type { State } from "../../../coordinator/core/memory.js";
import type { JobId } from "../../../shared/ids.js";
import type { World } from "./world.js";

/** A job is placed with the pass that follows what made room for it; a moment is granted for messages. */
const waitsUnexplainedMs = 5_000;

/** Judges what the coordinator says and holds; what really runs is judged by Truth. */
export class Checker {
  /** By UUID: submits that were acknowledged. */
  readonly submitted = new Map<string, string>();
  /** Names of jobs whose deletion was asked for: they may be gone. */
  private readonly unwanted = new Set<string>();
  /** UUIDs of jobs whose terminate was acknowledged, with the attempt they had then. */
  private readonly terminated = new Map<string, number>();

  private readOnlyAt = 0;

  constructor(private readonly world: World) {}

  /** Before it is asked: from here on nobody may count on it. */
  unwant(job: string): void {
    this.unwanted.add(job);
  }

  acknowledged(event: ApiEvent, subject: string | undefined): void {
    if (subject === undefined) return;
    const row = this.world.coordinator.catalog.get("job", subject);
    if (event.kind === "job-create") {
      if (row === undefined && !this.unwanted.has(event.name)) {
        this.breach("durable", `${event.name} was acknowledged but is not on disk`);
      }
      this.submitted.set(subject, event.name);
    }
    if (event.kind === "job-terminate" && row?.table === "job") this.terminated.set(subject, row.row.attempt);
  }

  /** A coordinator has started from its rows: everything that was acknowledged is in them. */
  loaded(state: State): void {
    for (const [uuid, name] of this.submitted) {
      if (!state.jobs.has(uuid as JobId) && !this.unwanted.has(name)) {
        this.breach("durable", `${name} was acknowledged and is gone after a restart`);
      }
    }
    this.checkTerminated(state);
  }

  committed(state: State, changes: readonly Change[]): void {
    if (!changes.some(isRowChange)) return;
    for (const broken of brokenLaws(state)) {
      this.breach(/promised|shared though|zombie/.test(broken) ? "no over-allocation" : "no crash", broken);
    }
    this.checkTerminated(state);
  }

  /** Nobody waits without a reason that can be asked for. */
  explained(state: State, now: number): void {
    // It says so itself, in every answer.
    if (this.world.coordinator.readOnly !== undefined) this.readOnlyAt = now;
    for (const job of state.jobs.values()) {
      if (job.state.kind === "finished") continue;
      const { summary, reasons } = explain(state, job, now);
      const waits =
        job.state.kind === "queued" && now - Math.max(job.state.since, this.readOnlyAt) > waitsUnexplainedMs;
      if (summary === "") this.breach("nobody forgotten", `${job.name} is ${job.state.kind} and nothing is said of it`);
      if (waits && reasons.length === 0) {
        this.breach("nobody forgotten", `${job.name} waits without a reason: ${summary}`);
      }
    }
  }

  /** What was acknowledged as terminated begins no more. */
  private checkTerminated(state: State): void {
    for (const [uuid, attempt] of this.terminated) {
      const job = state.jobs.get(uuid as JobId);
      if (job && job.attempt > attempt) {
        this.breach("durable", `${job.name} was terminated, and attempt ${job.attempt} began all the same`);
      }
    }
  }

  private breach(law: Parameters<World["truth"]["breach"]>[0], what: string): void {
    this.world.truth.breach(law, what);
  }
}
