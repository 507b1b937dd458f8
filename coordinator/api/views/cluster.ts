import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AllocationState, type ClusterSchema } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { NodeState } from "../../../shared/gen/stoker/v1/node_pb.js";
import { ProvisioningState } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import type { State } from "../../core/memory.js";
import type { Cluster } from "../../core/state.js";
import { clusterPath } from "./ids.js";
import { nodeState } from "./node.js";
import { shownClusterSpec } from "./secrets.js";

export function clusterView(state: State, row: Cluster): MessageInitShape<typeof ClusterSchema> {
  const states = nodeStates(state, row);
  const count = (wanted: NodeState) => states.filter((each) => each === wanted).length;
  const missing = row.size.minimum - states.length;
  return {
    id: clusterPath(state, row),
    name: row.name,
    spec: shownClusterSpec(row.spec),
    creationTime: timestampFromMs(row.createdAt),
    provisioningState: ProvisioningState.SUCCEEDED,
    allocationState: missing > 0 ? AllocationState.RESIZING : AllocationState.STEADY,
    allocationStateTransitionTime: timestampFromMs(row.createdAt),
    currentNodeCount: states.length,
    nodeStateCounts: {
      idleNodeCount: count(NodeState.IDLE),
      runningNodeCount: count(NodeState.RUNNING),
      preparingNodeCount: count(NodeState.PREPARING),
      unusableNodeCount: count(NodeState.UNUSABLE) + count(NodeState.LOST),
      leavingNodeCount: count(NodeState.LEAVING),
    },
    shortage:
      missing > 0 ? `${missing} more free ${missing === 1 ? "node" : "nodes"} of class ${row.spec.vmSize} needed` : "",
  };
}

function nodeStates(state: State, row: Cluster): NodeState[] {
  const states: NodeState[] = [];
  for (const uuid of state.index.nodesOfCluster.get(row.uuid)?.values() ?? []) {
    const node = state.nodes.get(uuid);
    if (node) states.push(nodeState(state, node));
  }
  return states;
}
