import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AllocationState } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import type { CatalogStatusSchema, StatusSchema } from "../../../shared/gen/stoker/v1/status_pb.js";
import { version } from "../../../shared/version.js";
import { type ClusterTally, type LabStatus, labStatus, type Trouble } from "../../core/lab-status.js";
import type { State } from "../../core/memory.js";
import { idOfNode, nodeNamed } from "../../core/names.js";
import type { ApiPorts } from "../ports.js";
import type { Sight } from "../sight.js";
import { stateCountsView } from "./cluster.js";

export function statusView(ports: ApiPorts, sight: Sight): MessageInitShape<typeof StatusSchema> {
  const state = ports.state();
  const status = labStatus(state, ports.now());
  const { free, preparing, idle, running, leaving, unusable, lost, ...others } = status.nodes;
  return {
    version,
    startedTime: timestampFromMs(ports.health().startedAt),
    readOnly: ports.readOnly() ?? "",
    natsProblem: ports.health().natsProblem ?? "",
    catalog: catalogView(state, status),
    nodes: { free, preparing, idle, running, leaving, unusable, lost, ...others },
    jobs: status.jobs,
    clusters: status.clusters.filter(({ id }) => sight.id(id)).map(clusterView),
    waits: status.waits
      .filter(({ job }) => sight.id(job))
      .map(({ job, since, reason }) => ({ jobId: job, since: timestampFromMs(since), reason })),
    troubles: [...troublesIn(state, status, sight).map(troubleView), ...logsWaiting(state, ports)],
  };
}

function catalogView({ settings }: State, { awaited }: LabStatus): MessageInitShape<typeof CatalogStatusSchema> {
  const { life } = settings;
  return {
    id: life?.catalog ?? "",
    epoch: BigInt(life?.epoch ?? 0),
    ...(life?.restored ? { restoredTime: timestampFromMs(life.restored.at) } : {}),
    awaitedNodes: [...awaited],
  };
}

/** What is amiss with a node is everybody's to know, but what failed to be prepared on it tells of volumes and set-up tasks. */
function troublesIn(state: State, { troubles }: LabStatus, sight: Sight): Trouble[] {
  return troubles.flatMap((trouble) => {
    if (!trouble.id.startsWith("nodes/")) return sight.id(trouble.id) ? [trouble] : [];
    const cluster = nodeNamed(state, trouble.id.slice("nodes/".length))?.cluster;
    const workspace = cluster && state.clusters.get(cluster)?.workspace;
    const tells = trouble.kind !== "unusable" || !workspace || sight.workspace(workspace);
    return [tells ? trouble : { ...trouble, message: "" }];
  });
}

const clusterView = ({ id, allocation, counts, queued, running, deleting }: ClusterTally) => ({
  id,
  allocationState: allocation.steady ? AllocationState.STEADY : AllocationState.RESIZING,
  currentNodeCount: allocation.current,
  nodeStateCounts: stateCountsView(counts),
  shortage: allocation.shortage,
  queuedJobs: queued,
  runningJobs: running,
  deleting,
});

const troubleView = ({ id, kind, since, message }: Trouble) => ({
  id,
  kind,
  message,
  ...(since === undefined ? {} : { since: timestampFromMs(since) }),
});

/** Told by telemetry alone, which the core never sees. */
function logsWaiting(state: State, ports: ApiPorts) {
  return [...state.nodes.values()].flatMap((node) => {
    const waiting = ports.telemetry(node.name)?.logsWaiting;
    if (!waiting) return [];
    const message = `${waiting.bytes} bytes of logs wait there: ${waiting.reason}`;
    return [{ id: idOfNode(node), kind: "logs-waiting", message, ...(waiting.since ? { since: waiting.since } : {}) }];
  });
}
