import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type NodeSchema, NodeState, type Telemetry } from "../../../shared/gen/stoker/v1/node_pb.js";
import { parseLeaseId } from "../../../shared/ids.js";
import type { State } from "../../core/memory.js";
import type { Node } from "../../core/state.js";
import type { Usage } from "../../core/usage.js";
import { clusterPath, jobPath, nodePath } from "./ids.js";

export function nodeView(
  state: State,
  row: Node,
  telemetry: Telemetry | undefined,
): MessageInitShape<typeof NodeSchema> {
  const cluster = row.cluster && state.clusters.get(row.cluster);
  const heardAt = state.liveness.get(row.uuid)?.heardAt;
  return {
    id: nodePath(row),
    name: row.name,
    address: row.address,
    state: nodeState(state, row),
    reason: reasonOf(state, row),
    inventory: {
      ...row.inventory,
      gpus: row.inventory.gpus.map((gpu) => ({ ...gpu, memoryBytes: BigInt(gpu.memoryBytes) })),
      memoryBytes: BigInt(row.inventory.memoryBytes),
    },
    clusterId: cluster ? clusterPath(state, cluster) : "",
    enrolledTime: timestampFromMs(row.enrolledAt),
    ...(heardAt === undefined ? {} : { lastHeartbeatTime: timestampFromMs(heardAt) }),
    ...(telemetry ? { telemetry } : {}),
    allocations: allocations(state, state.index.usage.get(row.uuid)),
    drained: row.drained !== undefined,
    agentVersion: row.agentVersion,
  };
}

/** A node whose agent has not said hello to this process yet is what it was: it is lost only when the core says so. */
export function nodeState(state: State, row: Node): NodeState {
  if (row.lost) return NodeState.LOST;
  const alive = state.liveness.get(row.uuid);
  if (alive && (alive.unhealthyReason !== "" || alive.strangers.length > 0)) return NodeState.UNUSABLE;
  if ((state.index.usage.get(row.uuid)?.holders.length ?? 0) > 0) return NodeState.RUNNING;
  return row.cluster === undefined ? NodeState.FREE : NodeState.IDLE;
}

function reasonOf(state: State, row: Node): string {
  const alive = state.liveness.get(row.uuid);
  if (row.lost) return `not heard of since ${new Date(row.lost.since).toISOString()}`;
  if (alive && alive.unhealthyReason !== "") return alive.unhealthyReason;
  if (alive && alive.strangers.length > 0) return `it still holds ${alive.strangers.join(", ")}`;
  return row.drained?.reason ?? "";
}

function allocations(state: State, usage: Usage | undefined) {
  return (usage?.holders ?? []).map(({ lease, job, held }) => {
    const row = state.jobs.get(job);
    return {
      jobId: row ? jobPath(state, row) : job,
      attempt: parseLeaseId(lease)?.attempt ?? 0,
      gpus: held.gpuUuids.length,
      cpus: held.cpus,
      memoryBytes: BigInt(held.memoryBytes),
    };
  });
}
