import { ExecutionState, ExecutionStateSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { type ExplainJobResponse, ExplainJobResponseSchema } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { plain } from "./plain.js";
import { shortTime } from "./time.js";
import { wordOf } from "./words.js";

/** Why a job waits, for people: the answer, then each reason with the nodes it rules out and who holds them. */
export function explanation({ job, summary, queuePosition, reasons, since }: ExplainJobResponse): string {
  const state = wordOf(ExecutionStateSchema, job?.executionState ?? 0) ?? "";
  const isQueued = job?.executionState === ExecutionState.QUEUED;
  const lines = [
    `${job?.name ?? ""} is ${state}${since ? ` since ${shortTime(since)}` : ""}: ${summary}`,
    ...(isQueued && queuePosition > 0
      ? [`${queuePosition} ${queuePosition === 1 ? "job goes" : "jobs go"} before it`]
      : []),
    ...reasons.flatMap(({ check, message, nodes, heldBy }) => [
      `- ${check}: ${message}`,
      ...(nodes.length > 0 ? [`    nodes: ${nodes.join(", ")}`] : []),
      ...(heldBy.length > 0 ? [`    held by: ${heldBy.join(", ")}`] : []),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

export function explanationObject(response: ExplainJobResponse): Record<string, unknown> {
  const { job, ...rest } = plain(ExplainJobResponseSchema, response);
  const shown = job as Record<string, unknown> | undefined;
  return { id: shown?.id, executionState: shown?.executionState, ...rest };
}
