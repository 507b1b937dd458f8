import { join } from "node:path";

/** One stream of one rank of one attempt. */
export interface LogAddress {
  jobUuid: string;
  attempt: number;
  rank: number;
  stream: "stdout" | "stderr";
}

export const jobFolder = (root: string, jobUuid: string) => join(root, jobUuid);
export const attemptFolder = (root: string, at: LogAddress) => join(root, at.jobUuid, String(at.attempt));
export const logPath = (root: string, at: LogAddress) => join(attemptFolder(root, at), `${at.rank}.${at.stream}`);
