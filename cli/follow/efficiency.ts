import type { Job } from "../../shared/gen/stoker/v1/job_pb.js";
import type { Call } from "../call.js";
import { efficiencyLines } from "../output/efficiency.js";
import type { Session } from "../session.js";

/** Of a job that held GPUs in its latest attempt: what it made of them. */
export async function efficiencyOf(session: Session, job: Job): Promise<string[]> {
  const held = job.attempts.at(-1)?.nodes.some(({ gpuUuids }) => gpuUuids.length > 0) ?? false;
  if (!held) return [];
  const { usage } = await session.jobs.getJobUsage({ id: job.id, attempt: 0 }, session.limits);
  return usage ? efficiencyLines(usage) : [];
}

/** Told when a job has ended, beside its output. */
export async function tellEfficiency(call: Call, session: Session, job: Job): Promise<void> {
  try {
    for (const line of await efficiencyOf(session, job)) await call.notice(line);
  } catch (error) {
    // The job's own end is what was waited for, and its exit code is what counts.
    await call.notice(
      `what it made of its GPUs can't be told: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
