import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AllocationState, type ClusterSchema } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { ProvisioningState } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import type { State } from "../../core/memory.js";
import { idOfCluster } from "../../core/names.js";
import { allocationOf, clusterFaults, nodeStateCounts } from "../../core/queries.js";
import type { Cluster } from "../../core/state.js";
import { shownClusterSpec } from "./secrets.js";

export function clusterView(state: State, row: Cluster): MessageInitShape<typeof ClusterSchema> {
  const allocation = allocationOf(state, row);
  const counts = nodeStateCounts(state, row);
  return {
    id: idOfCluster(state, row),
    name: row.name,
    spec: shownClusterSpec(row.spec),
    creationTime: timestampFromMs(row.createdAt),
    provisioningState: ProvisioningState.SUCCEEDED,
    allocationState: allocation.steady ? AllocationState.STEADY : AllocationState.RESIZING,
    allocationStateTransitionTime: timestampFromMs(row.createdAt),
    currentNodeCount: allocation.current,
    nodeStateCounts: {
      idleNodeCount: counts.idle,
      runningNodeCount: counts.running,
      preparingNodeCount: counts.preparing,
      unusableNodeCount: counts.unusable,
      leavingNodeCount: counts.leaving,
    },
    errors: clusterFaults(state, row).map((fault) => ({ ...fault, details: [...fault.details] })),
    shortage: allocation.shortage,
  };
}
