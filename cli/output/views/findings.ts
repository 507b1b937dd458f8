import type { GangFinding } from "../../../shared/gen/stoker/v1/finding_pb.js";
import type { Detail } from "../table.js";
import { shortTime } from "../time.js";

/** What is, or was, suspected of a job. */
export function findingLines(findings: readonly GangFinding[]): Detail[] {
  return findings.map(({ kind, message, since, endTime }) => {
    const when = endTime ? `${shortTime(since)} to ${shortTime(endTime)}` : `since ${shortTime(since)}`;
    return [words[kind] ?? kind, `${when}: ${message}`];
  });
}

const words: Record<string, string> = { hang: "Hang?", straggler: "Straggler?", idle: "Idle GPUs" };

/** The kinds that are suspected now, each once. */
export const suspectedNow = (findings: readonly GangFinding[]): string[] => [
  ...new Set(findings.filter(({ endTime }) => endTime === undefined).map(({ kind }) => kind)),
];
