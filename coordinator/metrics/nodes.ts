import { byLabel, type Family, gauge, labels, type Sample } from "../../shared/metrics/family.js";
import { type HostSeen, hostFamilies } from "../../shared/metrics/host-families.js";
import type { NodeCondition } from "../core/liveness.js";
import { idOfCluster } from "../core/names.js";
import { conditionOf } from "../core/preparation/condition.js";
import type { CoordinatorView } from "./view.js";

/** So many heartbeats that did not come make a node late. */
const lateBeats = 2.5;

export function nodeFamilies({ engine, sessions }: CoordinatorView): Family[] {
  const world = engine.state;
  const now = engine.now();
  const states: Record<NodeCondition, number> = {
    ...{ free: 0, preparing: 0, idle: 0, running: 0, leaving: 0, unusable: 0, lost: 0 },
  };
  const ofClusters = new Map<string, number>();
  const clusterNames = new Map([...world.clusters].map(([uuid, cluster]) => [uuid, idOfCluster(world, cluster)]));
  const each: Record<"state" | "age" | "cpu" | "memory" | "load" | "logs", Sample[]> = {
    ...{ state: [], age: [], cpu: [], memory: [], load: [], logs: [] },
  };
  const hosts: HostSeen[] = [];
  let drained = 0;
  let late = 0;
  let connected = 0;
  for (const node of world.nodes.values()) {
    const { state } = conditionOf(world, node);
    const cluster = (node.cluster && clusterNames.get(node.cluster)) ?? "";
    const name = labels({ node: node.name });
    states[state] += 1;
    if (cluster !== "") count(ofClusters, labels({ cluster, state }));
    each.state.push({ labels: `${name},${labels({ cluster, state })}`, value: 1 });
    if (node.drained) drained += 1;
    const heardAt = world.liveness.get(node.uuid)?.heardAt;
    const age = heardAt === undefined ? undefined : Math.max(0, now - heardAt);
    if (age !== undefined) each.age.push({ labels: name, value: age / 1000 });
    if (!sessions.reaches(node.name)) continue;
    connected += 1;
    if ((age ?? 0) > lateBeats * world.settings.heartbeatIntervalMs) late += 1;
    const { cpuPercent, memoryUsedBytes, load1, logsWaiting, host } = sessions.telemetry(node.name) ?? {};
    if (cpuPercent !== undefined) each.cpu.push({ labels: name, value: cpuPercent / 100 });
    if (memoryUsedBytes !== undefined) each.memory.push({ labels: name, value: Number(memoryUsedBytes) });
    if (load1 !== undefined) each.load.push({ labels: name, value: load1 });
    if (host) hosts.push({ labels: name, host });
    each.logs.push({ labels: name, value: Number(logsWaiting?.bytes ?? 0n) });
  }
  return [
    gauge(
      "stoker_nodes",
      "Nodes by state: free, preparing, idle, running, leaving, unusable or lost",
      byLabel("state", Object.entries(states)),
    ),
    gauge("stoker_nodes_connected", "Nodes whose agent is connected", connected),
    gauge("stoker_nodes_drained", "Nodes that were drained or reclaimed", drained),
    gauge("stoker_nodes_late", "Connected nodes whose heartbeat is late by more than one and a half intervals", late),
    gauge(
      "stoker_nodes_awaited",
      "Nodes whose word a restored catalog waits for before it starts anything",
      world.index.awaited.size,
    ),
    gauge("stoker_node_state", "1 for the state that each node is in; the others are left out", each.state),
    gauge(
      "stoker_node_heartbeat_age_seconds",
      "Time since each node was heard last, since the start of the coordinator",
      each.age,
    ),
    gauge("stoker_node_cpu_used_ratio", "Part of each node's processors that is busy, 0 to 1", each.cpu),
    gauge("stoker_node_memory_used_bytes", "Memory of each node that is in use", each.memory),
    gauge("stoker_node_load_average", "Load of each node over a minute", each.load),
    ...hostFamilies("stoker_node", hosts),
    gauge(
      "stoker_node_logs_waiting_bytes",
      "Bytes of logs that each node has kept for more than ten seconds because they are not stored",
      each.logs,
    ),
    gauge(
      "stoker_cluster_nodes",
      "Nodes of each cluster by state",
      [...ofClusters].map(([text, value]) => ({ labels: text, value })),
    ),
  ];
}

const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
