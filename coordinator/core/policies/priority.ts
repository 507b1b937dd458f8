import type { Job } from "../state.js";

/**
 * Order of a cluster's queue: high before normal before low, first come first served within one priority. A job that is queued again keeps
 * its old number, and so stands before those that came later.
 */
export function queueKey(job: Job): number {
  return (2 - job.request.priority) * 2 ** 50 + job.sequence;
}
