import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { unreachable } from "../../../shared/assert.js";
import {
  type AttemptSchema,
  type ExecutionInfoSchema,
  ExecutionState,
  type JobSchema,
  type JobSpec,
} from "../../../shared/gen/stoker/v1/job_pb.js";
import { ProvisioningState } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import type { State } from "../../core/memory.js";
import type { Attempt, Job, JobState } from "../../core/state.js";
import { jobPath } from "./ids.js";
import { shownJobSpec } from "./secrets.js";

export function jobView(state: State, row: Job): MessageInitShape<typeof JobSchema> {
  const id = jobPath(state, row);
  return {
    id,
    name: row.name,
    uuid: row.uuid,
    spec: shownJobSpec(row.spec),
    toolType: toolTypes[row.spec.toolkit.case ?? "customToolkitSettings"],
    jobOutputDirectoryPathSegment: `${id}/${row.uuid}`,
    creationTime: timestampFromMs(row.createdAt),
    provisioningState: row.deleting ? ProvisioningState.DELETING : ProvisioningState.SUCCEEDED,
    executionState: executionState(row.state),
    executionStateTransitionTime: timestampFromMs(row.state.since),
    executionInfo: executionInfo(row),
    attempt: row.attempt,
    attempts: (state.attempts.get(row.uuid) ?? []).map(attemptView),
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

/** Batch AI has five states: preparation is a part of running, and so is the end of an attempt that nobody asked for. */
function executionState(state: JobState): ExecutionState {
  switch (state.kind) {
    case "queued":
      return ExecutionState.QUEUED;
    case "preparing":
    case "running":
      return ExecutionState.RUNNING;
    case "stopping": {
      const { then } = state.verdict;
      const terminated = then.kind === "finish" && then.outcome.kind === "terminated";
      return terminated ? ExecutionState.TERMINATING : ExecutionState.RUNNING;
    }
    case "finished":
      return state.outcome.kind === "succeeded" ? ExecutionState.SUCCEEDED : ExecutionState.FAILED;
    default:
      return unreachable(state);
  }
}

function executionInfo(row: Job): MessageInitShape<typeof ExecutionInfoSchema> {
  const outcome = row.state.kind === "finished" ? row.state.outcome : undefined;
  return {
    ...(row.startedAt === undefined ? {} : { startTime: timestampFromMs(row.startedAt) }),
    ...(outcome ? { endTime: timestampFromMs(row.state.since) } : {}),
    ...(outcome?.exitCode === undefined ? {} : { exitCode: outcome.exitCode }),
    errors: (outcome?.errors ?? []).map((error) => ({ ...error, details: [...error.details] })),
  };
}

const attemptView = (row: Attempt): MessageInitShape<typeof AttemptSchema> => ({
  number: row.number,
  nodes: row.nodes.map((node) => ({ ...node, gpuUuids: [...node.gpuUuids] })),
  startTime: timestampFromMs(row.startedAt),
  ...(row.endedAt === undefined ? {} : { endTime: timestampFromMs(row.endedAt) }),
  state: row.state,
  reason: row.reason,
  ...(row.exitCode === undefined ? {} : { exitCode: row.exitCode }),
  rankCount: row.rankCount,
});
