import { ExecutionState, type Job } from "../../shared/gen/stoker/v1/job_pb.js";
import { errorText } from "../output/views/errors.js";

export const hasEnded = ({ executionState }: Job) =>
  executionState === ExecutionState.SUCCEEDED || executionState === ExecutionState.FAILED;

/** The job's exit code as a process can have it: one that failed without a code, or by one like -1, is no success. */
export function exitCodeOf(job: Job): number {
  if (job.executionState === ExecutionState.SUCCEEDED) return 0;
  const code = (job.executionInfo?.exitCode ?? 1) & 0xff;
  return code === 0 ? 1 : code;
}

/** Why it failed, in one line; nothing for a success. */
export function failureText(job: Job): string | undefined {
  if (job.executionState !== ExecutionState.FAILED) return undefined;
  const { errors = [], exitCode } = job.executionInfo ?? {};
  const why = errors.map(errorText).join("; ") || "no reason was recorded";
  return `job ${job.name} failed${exitCode === undefined ? "" : ` with exit code ${exitCode}`}: ${why}`;
}
