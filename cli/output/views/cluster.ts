import {
  AllocationStateSchema,
  type Cluster,
  ClusterSchema,
  type ScaleSettings,
} from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { ProvisioningState, ProvisioningStateSchema } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import { workspaceOf } from "../../ids.js";
import type { Detail } from "../table.js";
import { shortTime } from "../time.js";
import { errorLines } from "./errors.js";
import { view, word } from "./view.js";

/** Only its being deleted matters more than what its nodes do. */
const stateOf = ({ provisioningState, allocationState }: Cluster) =>
  provisioningState === ProvisioningState.DELETING
    ? word(ProvisioningStateSchema, provisioningState)
    : word(AllocationStateSchema, allocationState);

function scaleOf(scale: ScaleSettings | undefined): string {
  if (scale?.autoScale) return `automatic, ${scale.autoScale.minimumNodeCount} to ${scale.autoScale.maximumNodeCount}`;
  return `${scale?.manual?.targetNodeCount ?? 0}`;
}

export const cluster = view({
  schema: ClusterSchema,
  type: "workspaces/clusters",
  columns: [
    ["Name", ({ name }) => name],
    ["Workspace", ({ id }) => workspaceOf(id)],
    ["VM Size", ({ spec }) => spec?.vmSize ?? ""],
    ["State", stateOf],
    ["Idle", ({ nodeStateCounts }) => String(nodeStateCounts?.idleNodeCount ?? 0)],
    ["Running", ({ nodeStateCounts }) => String(nodeStateCounts?.runningNodeCount ?? 0)],
    ["Preparing", ({ nodeStateCounts }) => String(nodeStateCounts?.preparingNodeCount ?? 0)],
    ["Leaving", ({ nodeStateCounts }) => String(nodeStateCounts?.leavingNodeCount ?? 0)],
    ["Unusable", ({ nodeStateCounts }) => String(nodeStateCounts?.unusableNodeCount ?? 0)],
  ],
  more: ({ id, spec, creationTime, currentNodeCount, shortage, preparing, errors, warnings }) => [
    ["Nodes", String(currentNodeCount)],
    ["Target", scaleOf(spec?.scaleSettings)],
    ["Tests GPUs", spec?.testBeforeStart === true ? "before each job" : ""],
    ["Shortage", shortage],
    ...preparing.map((line): Detail => ["Preparing", line]),
    ...errorLines(errors),
    ...warnings.map((line): Detail => ["Warning", line]),
    ["Id", id],
    ["Created", shortTime(creationTime)],
  ],
});
