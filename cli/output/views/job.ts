import { type Attempt, ExecutionStateSchema, JobSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import { leafOf, workspaceOf } from "../../ids.js";
import type { Detail } from "../table.js";
import { shortTime } from "../time.js";
import { errorLines } from "./errors.js";
import { findingLines, suspectedNow } from "./findings.js";
import { frozenLine } from "./frozen.js";
import { suspectedText } from "./suspected.js";
import { view, word } from "./view.js";

export const job = view({
  schema: JobSchema,
  type: "workspaces/experiments/jobs",
  columns: [
    ["Name", ({ name }) => name],
    ["Cluster", ({ spec }) => leafOf(spec?.cluster?.id ?? "")],
    ["Cluster Workspace", ({ id, spec }) => workspaceOf(spec?.cluster?.id ?? "") || workspaceOf(id)],
    ["Tool", ({ toolType }) => toolType],
    ["Nodes", ({ spec }) => String(spec?.nodeCount ?? 0)],
    [
      "State",
      ({ executionState, findings }) =>
        `${word(ExecutionStateSchema, executionState)}${suspectedText(suspectedNow(findings))}`,
    ],
    ["Exit code", ({ executionInfo }) => String(executionInfo?.exitCode ?? "")],
  ],
  more: ({ id, spec, submittedBy, creationTime, executionInfo, attempts, findings, jobOutputDirectoryPathSegment }) => [
    ["Priority", spec?.schedulingPriority ?? ""],
    ["Tests GPUs", testsText(spec?.testBeforeStart)],
    ...(submittedBy === "" ? [] : [["Submitted by", submittedBy] satisfies Detail]),
    ["Created", shortTime(creationTime)],
    ["Started", shortTime(executionInfo?.startTime)],
    ["Ended", shortTime(executionInfo?.endTime)],
    ...errorLines(executionInfo?.errors ?? []),
    ...attempts.flatMap((attempt): Detail[] => [
      [`Attempt ${attempt.number}`, attemptText(attempt)],
      ...attempt.nodes.flatMap((node): Detail[] => frozenLine(node, node.name)),
      ...attempt.nodes.flatMap(({ name, warnings }) =>
        warnings.map((warning): Detail => [`Warning of ${name}`, warning]),
      ),
    ]),
    ...attempts.flatMap((attempt): Detail[] => logsLine(attempt)),
    ...findingLines(findings),
    ["Output", jobOutputDirectoryPathSegment],
    ["Id", id],
  ],
});

/** Nothing where its cluster decides. */
const testsText = (own: boolean | undefined) =>
  own === undefined ? "" : own ? "before it starts" : "not before it starts";

function attemptText({ state, nodes, reason, exitCode }: Attempt): string {
  const names = nodes.map(({ name }) => name).join(", ");
  const why = [exitCode === undefined ? "" : `exit code ${exitCode}`, reason].filter((part) => part !== "").join(", ");
  return `${state}${names ? ` on ${names}` : ""}${why ? `: ${why}` : ""}`;
}

/** Only what somebody should know. */
function logsLine({ number, logs }: Attempt): Detail[] {
  if (!logs || (logs.message === "" && logs.droppedBytes === 0n)) return [];
  const dropped = logs.droppedBytes === 0n ? "" : `${logs.droppedBytes} bytes dropped (logLimit, or a full disk)`;
  return [[`Logs of ${number}`, [logs.message, dropped].filter((part) => part !== "").join("; ")]];
}
