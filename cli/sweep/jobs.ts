import { ExecutionState, type Job } from "../../shared/gen/stoker/v1/job_pb.js";
import { present, type Session } from "../session.js";
import type { PlannedJob } from "./plan.js";

/** In one call as many as the coordinator takes. */
const inOneCall = 1_000;

export interface Submitted {
  made: number;
  refused: Array<{ name: string; message: string }>;
}

export async function submitAll(session: Session, parent: string, jobs: readonly PlannedJob[]): Promise<Submitted> {
  const result: Submitted = { made: 0, refused: [] };
  for (let from = 0; from < jobs.length; from += inOneCall) {
    const part = jobs.slice(from, from + inOneCall);
    const answer = await session.create(undefined, (idempotencyKey) =>
      session.jobs.createJobs({ parent, jobs: [...part], idempotencyKey }, session.limits),
    );
    answer.jobs.forEach(({ errorMessage, uuid }, at) => {
      if (uuid !== "") result.made += 1;
      else result.refused.push({ name: part[at]?.name ?? "", message: errorMessage });
    });
  }
  return result;
}

/** The jobs of a sweep: of each index the latest, in the order of the index. */
export async function jobsOfSweep(session: Session, parent: string, name: string): Promise<Job[]> {
  const latest = new Map<number, Job>();
  for (let pageToken = ""; ; ) {
    const page = await session.jobs.listJobs({ parent, pageSize: inOneCall, pageToken }, session.limits);
    for (const job of page.jobs) {
      const { sweep } = present(job.spec, "job's spec");
      if (sweep?.name === name) latest.set(sweep.index, job);
    }
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  return [...latest].sort(([a], [b]) => a - b).map(([, job]) => job);
}

export const isFailed = ({ executionState }: Job) => executionState === ExecutionState.FAILED;

/** A name for another try of a job: `s-07` becomes `s-07-r1`, and that `s-07-r2`. */
export function retryName(name: string): string {
  const [, base = name, count = "0"] = /^(.*)-r(\d+)$/.exec(name) ?? [];
  return `${base}-r${Number(count) + 1}`;
}
