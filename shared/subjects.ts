/** Every NATS name, in one place. */
export const logStreamName = "STOKER_LOGS";
export const logSubjects = "stoker.logs.>";

/** Bytes of one rank's stream; header `Stoker-Offset` gives the position of the first. */
export function logSubject(node: string, lease: string, rank: number, stream: "stdout" | "stderr"): string {
  const [job, attempt] = lease.split(".");
  return `stoker.logs.${subjectToken(node)}.${job}.${attempt}.${rank}.${stream}`;
}

export interface LogAddress {
  node: string;
  jobUuid: string;
  attempt: number;
  rank: number;
  stream: "stdout" | "stderr";
}

/** The address in a log subject, or undefined when it is not one. `node` is as in the subject: see subjectToken. */
export function parseLogSubject(subject: string): LogAddress | undefined {
  const match = /^stoker\.logs\.([^.]+)\.([0-9a-f-]{36})\.([1-9][0-9]{0,8})\.([0-9]{1,6})\.(stdout|stderr)$/.exec(
    subject,
  );
  if (!match) return undefined;
  const [, node, jobUuid, attempt, rank, stream] = match;
  if (!node || !jobUuid || (stream !== "stdout" && stream !== "stderr")) return undefined;
  return { node, jobUuid, attempt: Number(attempt), rank: Number(rank), stream };
}

/** Header of a log message: decimal byte offset of its first byte in the rank's stream. */
export const offsetHeader = "Stoker-Offset";

/** A name as one token of a subject: whatever NATS gives a meaning becomes `_`. */
export const subjectToken = (name: string) => name.replace(/[^\w-]/g, "_");

/** What happens to a job, told to whoever listens; nothing is kept. */
export const jobSubject = (jobUuid: string) => `stoker.jobs.${jobUuid}`;
