import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AllocationState, type ClusterSchema, type ClusterSpec } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { membersOf } from "../../core/cluster.js";
import { counterWarnings } from "../../core/counters.js";
import type { State } from "../../core/memory.js";
import { idOfCluster } from "../../core/names.js";
import { type NodeStateCounts, nodeStateCounts } from "../../core/preparation/condition.js";
import { setupSuffix } from "../../core/preparation/order.js";
import { preparationFaults, preparationLines, preparationWarnings } from "../../core/preparation/readiness.js";
import { clusterFaults } from "../../core/queries.js";
import { allocationOf } from "../../core/scaling/allocation.js";
import type { Cluster } from "../../core/state.js";
import { provisioning } from "./provisioning.js";
import { shownClusterSpec } from "./secrets.js";

export function clusterView(state: State, row: Cluster): MessageInitShape<typeof ClusterSchema> {
  const allocation = allocationOf(state, row);
  const counts = nodeStateCounts(state, row);
  const members = [...membersOf(state, row)];
  const own = clusterFaults(state, row);
  const faults = [...own, ...preparationFaults(state, members, own)];
  return {
    id: idOfCluster(state, row),
    name: row.name,
    spec: shownClusterSpec(withSuffix(state, row)),
    creationTime: timestampFromMs(row.createdAt),
    ...provisioning(row.createdAt, row.deletingSince ?? state.workspaces.get(row.workspace)?.deletingSince),
    allocationState: allocation.steady ? AllocationState.STEADY : AllocationState.RESIZING,
    allocationStateTransitionTime: timestampFromMs(allocation.since),
    currentNodeCount: allocation.current,
    nodeStateCounts: stateCountsView(counts),
    errors: faults.map((fault) => ({ ...fault, details: [...fault.details] })),
    shortage: allocation.shortage,
    preparing: preparationLines(state, members, state.clock.tickedAt),
    warnings: [...preparationWarnings(state, members), ...counterWarnings(state.settings, row)],
  };
}

export const stateCountsView = ({ idle, running, preparing, unusable, leaving }: NodeStateCounts) => ({
  idleNodeCount: idle,
  runningNodeCount: running,
  preparingNodeCount: preparing,
  unusableNodeCount: unusable,
  leavingNodeCount: leaving,
});

/** `stdOutErrPathSuffix` is the server's to fill in. */
function withSuffix(state: State, row: Cluster): ClusterSpec {
  const { nodeSetup } = row.spec;
  if (!nodeSetup?.setupTask) return row.spec;
  const setupTask = { ...nodeSetup.setupTask, stdOutErrPathSuffix: setupSuffix(state, row) };
  return { ...row.spec, nodeSetup: { ...nodeSetup, setupTask } };
}
