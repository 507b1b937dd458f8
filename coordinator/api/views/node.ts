import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type NodeSchema, NodeState, type Telemetry } from "../../../shared/gen/stoker/v1/node_pb.js";
import { parseLeaseId } from "../../../shared/ids.js";
import { type Standstill, standstillOf } from "../../core/frozen.js";
import { suspected } from "../../core/gang-watch/findings.js";
import type { NodeCondition } from "../../core/liveness.js";
import type { State } from "../../core/memory.js";
import { idOfCluster, idOfJob, idOfNode } from "../../core/names.js";
import type { OwnerTerms } from "../../core/owner.js";
import { conditionOf } from "../../core/preparation/condition.js";
import { readinessOf } from "../../core/preparation/readiness.js";
import { holdersOn } from "../../core/queries.js";
import type { Node, NodeInventory, ResourceFault } from "../../core/state.js";
import { hidden, type Sight, unlimited } from "../sight.js";
import { nodeHealthView } from "./node-health.js";
import { telemetryView } from "./node-telemetry.js";

export function nodeView(
  state: State,
  row: Node,
  telemetry: Telemetry | undefined,
  sight: Sight = unlimited,
): MessageInitShape<typeof NodeSchema> {
  const cluster = row.cluster && state.clusters.get(row.cluster);
  const { heardAt, condition: noted } = state.liveness.get(row.uuid) ?? {};
  const readiness = readinessOf(state, row);
  const condition = conditionOf(state, row);
  const isHidden = cluster !== undefined && !sight.workspace(cluster.workspace);
  // What failed to be prepared tells of volumes and set-up tasks.
  const tells = !isHidden || readiness.kind !== "failed";
  return {
    id: idOfNode(row),
    name: row.name,
    address: row.address,
    state: nodeStates[condition.state],
    reason: tells ? condition.reason : "",
    inventory: { ...inventoryView(row.inventory), ...ownerView(state.liveness.get(row.uuid)?.owner) },
    clusterId: isHidden ? hidden.cluster : cluster ? idOfCluster(state, cluster) : "",
    enrolledTime: timestampFromMs(row.enrolledAt),
    ...(heardAt === undefined ? {} : { lastHeartbeatTime: timestampFromMs(heardAt) }),
    ...(telemetry ? { telemetry: telemetryView(state, telemetry, sight) } : {}),
    allocations: allocations(state, row, sight),
    drained: row.drained !== undefined,
    agentVersion: row.agentVersion,
    ...(noted?.state === condition.state ? { stateTransitionTime: timestampFromMs(noted.since) } : {}),
    ...(readiness.kind === "failed" && tells ? { error: faultView(readiness.fault) } : {}),
    warnings: isHidden ? [] : [...readiness.warnings],
    ...nodeHealthView(state, row),
  };
}

const faultView = (fault: ResourceFault) => ({ ...fault, details: [...fault.details] });

const nodeStates: Record<NodeCondition, NodeState> = {
  free: NodeState.FREE,
  preparing: NodeState.PREPARING,
  idle: NodeState.IDLE,
  running: NodeState.RUNNING,
  leaving: NodeState.LEAVING,
  unusable: NodeState.UNUSABLE,
  lost: NodeState.LOST,
};

const ownerView = (terms: OwnerTerms | undefined) =>
  terms
    ? {
        owner: {
          ...{ closed: terms.closed, wantedBack: terms.wantedBack, containersOnly: terms.containersOnly },
          ...{ usersAllowed: [...terms.usersAllowed], usersDenied: [...terms.usersDenied] },
          withoutAccount: terms.withoutAccount.map((each) => ({ ...each })),
          ...(terms.closedUntil === undefined ? {} : { closedUntil: timestampFromMs(terms.closedUntil) }),
        },
      }
    : {};

const inventoryView = ({ fileServing, containers, ...inventory }: NodeInventory) => ({
  ...inventory,
  ...(containers ? { containerRuntime: containers.runtime, containerRuntimeVersion: containers.version } : {}),
  ...(fileServing ? { fileServing: { ...fileServing, freeBytes: BigInt(fileServing.freeBytes) } } : {}),
  memoryBytes: BigInt(inventory.memoryBytes),
  gpus: inventory.gpus.map(({ links = [], nics = [], memoryBytes, ...gpu }) => ({
    ...{ ...gpu, memoryBytes: BigInt(memoryBytes), links: [...links], nics: [...nics] },
  })),
});

function allocations(state: State, row: Node, sight: Sight) {
  return holdersOn(state, row).map(({ lease, job, held }) => {
    const holder = state.jobs.get(job);
    return {
      jobId: holder ? (sight.job(holder) ? idOfJob(state, holder) : hidden.job) : job,
      attempt: parseLeaseId(lease)?.attempt ?? 0,
      gpus: held.gpuUuids.length,
      gpuUuids: [...held.gpuUuids],
      suspected: holder ? suspected(holder) : [],
      cpus: held.cpus,
      memoryBytes: BigInt(held.memoryBytes),
      ...frozenView(standstillOf(state, row, lease)),
    };
  });
}

/** Fields of an allocation, and of an attempt's node. */
export const frozenView = (standstill: Standstill | undefined) =>
  standstill === undefined ? {} : { frozenSince: timestampFromMs(standstill.since), frozenReason: standstill.reason };
