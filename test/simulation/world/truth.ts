import type { LeaseGrant } from "../../../shared/gen/stoker/v1/lease_pb.js";
import { parseLeaseId } from "../../../shared/ids.js";
import type { Timeline } from "./timeline.js";

/** What was broken, when, and how it showed. */
export interface Breach {
  readonly law: Law;
  readonly at: number;
  readonly what: string;
}

export type Law =
  | "durable"
  | "one at a time"
  | "no over-allocation"
  | "nobody forgotten"
  | "every byte"
  | "nothing left behind"
  | "restarts are free"
  /** An assertion of ours, or a refusal that nobody asked for. */
  | "no crash";

/** What is needed of the machine. */
export interface Taken {
  readonly gpuUuids: readonly string[];
  readonly cpus: number;
  readonly memoryBytes: number;
}

export const takenBy = (grant: LeaseGrant): Taken => ({
  gpuUuids: grant.gpuUuids,
  cpus: grant.cpus,
  memoryBytes: Number(grant.memoryBytes),
});

/** One attempt's processes on all machines, by true time. */
interface AttemptTruth {
  active: number;
  /** When some of it ran, for the history. */
  since: number;
}

/** Knows what no node knows: which attempt's processes really ran when. Judges the laws that are about that. */
export class Truth {
  readonly breaches: Breach[] = [];
  private readonly jobs = new Map<string, Map<number, AttemptTruth>>();
  /** Starts of a rank of an attempt: there is at most one. */
  private readonly starts = new Set<string>();
  /** Ends of ranks as they really were, by lease and rank. */
  readonly ends = new Map<string, { exitCode: number; stdoutBytes: number }>();
  readonly history: Array<{ job: string; attempt: number; from: number; to: number }> = [];

  constructor(private readonly timeline: Timeline) {}

  breach(law: Law, what: string): void {
    this.breaches.push({ law, at: this.timeline.now, what });
  }

  started(lease: string, rank: string, machine: string): void {
    const key = `${lease} ${rank}`;
    if (this.starts.has(key)) this.breach("one at a time", `${rank} of ${lease} was started twice, now on ${machine}`);
    this.starts.add(key);
  }

  /** One more process of the lease can act on the world. */
  runs(lease: string, machine: string): void {
    const { job, attempt } = parts(lease);
    const attempts = this.jobs.get(job) ?? new Map<number, AttemptTruth>();
    this.jobs.set(job, attempts);
    const own = attempts.get(attempt) ?? { active: 0, since: 0 };
    attempts.set(attempt, own);
    if (own.active === 0) own.since = this.timeline.now;
    own.active += 1;
    for (const [other, { active }] of attempts) {
      if (other !== attempt && active > 0) {
        this.breach("one at a time", `attempts ${other} and ${attempt} of job ${job} run together, now on ${machine}`);
      }
    }
  }

  rests(lease: string): void {
    const { job, attempt } = parts(lease);
    const own = this.jobs.get(job)?.get(attempt);
    if (!own) return;
    own.active -= 1;
    if (own.active === 0) this.history.push({ job, attempt, from: own.since, to: this.timeline.now });
  }

  attemptsThatRan(job: string): number[] {
    return [...(this.jobs.get(job)?.keys() ?? [])];
  }
}

function parts(lease: string): { job: string; attempt: number } {
  const id = parseLeaseId(lease);
  if (!id) throw new Error(lease);
  return { job: id.job, attempt: id.attempt };
}
