import { ExecutionStateSchema, type Job } from "../../shared/gen/stoker/v1/job_pb.js";
import { shortTime } from "../output/time.js";
import { wordOf } from "../output/words.js";

/** `2026-01-31 10:00:00Z running, attempt 2 on m1, m2` */
export function progressText(job: Job): string {
  const state = wordOf(ExecutionStateSchema, job.executionState) ?? "";
  const attempt = job.attempts.at(-1);
  const nodes = attempt && attempt.endTime === undefined ? attempt.nodes.map(({ name }) => name).join(", ") : "";
  const place = nodes ? `, attempt ${attempt?.number} on ${nodes}` : "";
  const code = job.executionInfo?.exitCode;
  const result = code === undefined ? "" : `, exit code ${code}`;
  return `${shortTime(job.executionStateTransitionTime ?? job.creationTime)} ${state}${place}${result}`.trim();
}
