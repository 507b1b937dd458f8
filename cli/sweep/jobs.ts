import { ExecutionState, type Job } from "../../shared/gen/stoker/v1/job_pb.js";
import { usage } from "../failure.js";
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

/** Those that failed, under new names: as planned now or, when nothing is, as they were. */
export function failedAgain(jobs: readonly Job[], planned: readonly PlannedJob[] | undefined): PlannedJob[] {
  const failed = jobs.filter(isFailed);
  if (!planned) return failed.map((job) => ({ name: retryName(job.name), spec: whole(job) }));
  const before = new Map(failed.map((job) => [job.spec?.sweep?.index, job.name]));
  return planned.flatMap((job) => {
    const name = before.get(job.spec.sweep?.index);
    return name === undefined ? [] : [{ ...job, name: retryName(name) }];
  });
}

/** What nobody is told can't be submitted again. */
function whole({ name, spec: told }: Job): PlannedJob["spec"] {
  const spec = present(told, "job's spec");
  const volumes = spec.mountVolumes;
  const hidden =
    spec.secrets.length > 0 ||
    spec.containerSettings?.imageSourceRegistry?.credentials !== undefined ||
    (volumes?.azureFileShares.length ?? 0) + (volumes?.azureBlobFileSystems.length ?? 0) > 0;
  if (!hidden) return spec;
  throw usage(
    `job ${name} has secrets or credentials, which nobody is told: give the sweep's body and parameters again, with -f`,
  );
}

/** A name for another try of a job: `s-07` becomes `s-07-r1`, and that `s-07-r2`. */
export function retryName(name: string): string {
  const [, base = name, count = "0"] = /^(.*)-r(\d+)$/.exec(name) ?? [];
  return `${base}-r${Number(count) + 1}`;
}
