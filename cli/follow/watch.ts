import type { Job } from "../../shared/gen/stoker/v1/job_pb.js";
import { present, type Session } from "../session.js";
import { hasEnded } from "./job-end.js";
import type { Line } from "./line.js";

/** The job as it is, then at each change, until it has ended; over restarts of the coordinator. */
export async function* watchJob(session: Session, line: Line, id: string, signal: AbortSignal): AsyncGenerator<Job> {
  while (!signal.aborted) {
    let failure: unknown;
    try {
      for await (const answer of session.jobs.watchJob({ id }, { signal })) {
        await line.up();
        const job = present(answer.job, "job");
        yield job;
        if (hasEnded(job)) return;
      }
    } catch (error) {
      failure = error;
    }
    if (!signal.aborted) await line.down(failure, signal);
  }
}

/** Waits for the end. Nothing when the signal came first. */
export async function jobEnd(
  session: Session,
  line: Line,
  id: string,
  signal: AbortSignal,
  onChange: (job: Job) => Promise<void>,
): Promise<Job | undefined> {
  for await (const job of watchJob(session, line, id, signal)) {
    if (hasEnded(job)) return job;
    await onChange(job);
  }
  return undefined;
}
