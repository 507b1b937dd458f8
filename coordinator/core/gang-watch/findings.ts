import type { Instant, Job } from "../state.js";
import type { FindingKind, Found } from "./gang.js";

/** What was found of a job, from when it was noticed until it was no longer so. */
export interface Finding extends Found {
  readonly attempt: number;
  readonly noticedAt: Instant;
  /** Absent: it lasts. */
  readonly endedAt?: Instant;
}

/** Of a job, over its attempts; as the catalog keeps it. */
export interface Watch {
  /** Of the latest attempts, oldest first. */
  readonly findings: readonly Finding[];
  /** Attempts that were ended because nobody used their GPUs. */
  readonly reclaims: number;
}

export const noWatch: Watch = { findings: [], reclaims: 0 };

/** What is found of it now. What was found of an attempt ends with it. */
export function openFindings(job: Job): readonly Finding[] {
  if (job.state.kind !== "running") return [];
  return (job.watch ?? noWatch).findings.filter(
    ({ attempt, endedAt }) => attempt === job.attempt && endedAt === undefined,
  );
}

/** For views: one that was open when its attempt ended has ended with it. */
export function findingsOf(job: Job): readonly Finding[] {
  const open = openFindings(job);
  return (job.watch ?? noWatch).findings.map((finding) =>
    finding.endedAt !== undefined || open.includes(finding) ? finding : { ...finding, endedAt: job.state.since },
  );
}

/** The kinds alone, each once. */
export const suspected = (job: Job): FindingKind[] => [...new Set(openFindings(job).map(({ kind }) => kind))];

/**
 * A straggler is one of several that there may be; a hang and idle GPUs are of the job, whichever GPUs have part in it. That all are idle is
 * told by itself: it may cost the job its GPUs.
 */
export const isSame = (one: Found, other: Found): boolean =>
  one.rule === other.rule &&
  one.whole === other.whole &&
  (one.kind !== "straggler" || one.gpus[0]?.uuid === other.gpus[0]?.uuid);

export const sameGpus = (one: Found, other: Found): boolean =>
  one.gpus.length === other.gpus.length && one.gpus.every(({ uuid }) => other.gpus.some((gpu) => gpu.uuid === uuid));
