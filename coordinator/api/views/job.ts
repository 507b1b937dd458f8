import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type AttemptLogsSchema,
  type AttemptSchema,
  type ExecutionInfoSchema,
  ExecutionState,
  type JobSchema,
  type JobSpec,
} from "../../../shared/gen/stoker/v1/job_pb.js";
import { standstillOfAttempt } from "../../core/frozen.js";
import type { State } from "../../core/memory.js";
import { idOfJob, outputSegmentOf } from "../../core/names.js";
import { attemptsOf, executionStateOf } from "../../core/queries.js";
import type { Attempt, Job } from "../../core/state.js";
import { findingViews } from "./findings.js";
import { frozenView } from "./node.js";
import { provisioning } from "./provisioning.js";
import { shownJobSpec } from "./secrets.js";

export function jobView(
  state: State,
  row: Job,
  logs?: ReadonlyMap<number, LogsView>,
): MessageInitShape<typeof JobSchema> {
  return {
    id: idOfJob(state, row),
    name: row.name,
    uuid: row.uuid,
    spec: shownJobSpec(row.spec),
    toolType: toolTypes[row.spec.toolkit.case ?? "customToolkitSettings"],
    jobOutputDirectoryPathSegment: outputSegmentOf(state, row),
    creationTime: timestampFromMs(row.createdAt),
    ...provisioning(row.createdAt, row.deleting ? (row.deletingSince ?? row.createdAt) : undefined),
    executionState: executionStates[executionStateOf(row)],
    executionStateTransitionTime: timestampFromMs(row.state.since),
    executionInfo: executionInfo(row),
    attempt: row.attempt,
    submittedBy: row.submittedBy ?? "",
    findings: findingViews(row),
    attempts: attemptsOf(state, row).map((attempt) => attemptView(state, row, attempt, logs?.get(attempt.number))),
  };
}

type ToolkitCase = Exclude<JobSpec["toolkit"]["case"], undefined>;

const toolTypes: Record<ToolkitCase, string> = {
  cntkSettings: "cntk",
  pyTorchSettings: "pytorch",
  tensorFlowSettings: "tensorflow",
  caffeSettings: "caffe",
  caffe2Settings: "caffe2",
  chainerSettings: "chainer",
  horovodSettings: "horovod",
  customMpiSettings: "mpi",
  customToolkitSettings: "custom",
};

const executionStates: Record<ReturnType<typeof executionStateOf>, ExecutionState> = {
  queued: ExecutionState.QUEUED,
  running: ExecutionState.RUNNING,
  terminating: ExecutionState.TERMINATING,
  succeeded: ExecutionState.SUCCEEDED,
  failed: ExecutionState.FAILED,
};

function executionInfo(row: Job): MessageInitShape<typeof ExecutionInfoSchema> {
  const outcome = row.state.kind === "finished" ? row.state.outcome : undefined;
  return {
    ...(row.startedAt === undefined ? {} : { startTime: timestampFromMs(row.startedAt) }),
    ...(outcome ? { endTime: timestampFromMs(row.state.since) } : {}),
    ...(outcome?.exitCode === undefined ? {} : { exitCode: outcome.exitCode }),
    errors: (outcome?.errors ?? []).map((error) => ({ ...error, details: [...error.details] })),
  };
}

type LogsView = MessageInitShape<typeof AttemptLogsSchema>;
type AttemptView = MessageInitShape<typeof AttemptSchema>;

const attemptView = (state: State, job: Job, row: Attempt, logs: LogsView | undefined): AttemptView => ({
  number: row.number,
  nodes: row.nodes.map((node) => ({
    ...node,
    gpuUuids: [...node.gpuUuids],
    warnings: [...(node.warnings ?? [])],
    ...frozenView(standstillOfAttempt(state, job, row, node.name)),
  })),
  startTime: timestampFromMs(row.startedAt),
  ...(row.endedAt === undefined ? {} : { endTime: timestampFromMs(row.endedAt) }),
  state: row.state,
  reason: row.reason,
  ...(row.exitCode === undefined ? {} : { exitCode: row.exitCode }),
  rankCount: row.rankCount,
  ...(logs ? { logs } : {}),
});
