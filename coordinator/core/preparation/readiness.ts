import { clusterVolumes } from "../grant/volumes.js";
import type { World } from "../memory.js";
import { missingSecrets } from "../secrets/missing.js";
import type { Cluster, Instant, Node, ResourceFault } from "../state.js";

/** Whether a node is prepared for its cluster: its volumes mounted, its setup task run. Its agent says so; here is what to make of it. */
export type Readiness =
  | { readonly kind: "ready"; readonly warnings: readonly string[] }
  | {
      readonly kind: "preparing";
      readonly doing: string;
      readonly since: Instant;
      readonly warnings: readonly string[];
    }
  | { readonly kind: "failed"; readonly fault: ResourceFault; readonly warnings: readonly string[] };

/** Another membership, or another try, has another name, and then everything is done anew. Empty: there is nothing to be prepared for. */
export function preparationIdOf({ cluster, membership }: Node): string {
  return cluster ? `${cluster}.${membership?.since ?? 0}.${membership?.tries ?? 0}` : "";
}

export function readinessOf(world: World, node: Node): Readiness {
  const cluster = node.cluster && world.clusters.get(node.cluster);
  if (!cluster) return { kind: "ready", warnings: [] };
  if (!node.inventory.prepares) return ofOldAgent(cluster, node);
  const unplanned = faultBeforeTask(world, cluster);
  if (unplanned) return { kind: "failed", fault: unplanned, warnings: [] };
  const said = world.liveness.get(node.uuid)?.preparation;
  if (said?.id !== preparationIdOf(node)) {
    const [gone] = missingSecrets(world, cluster.spec);
    if (gone) return { kind: "failed", fault: gone, warnings: [] };
    const since = node.membership?.since ?? world.clock.tickedAt;
    return { kind: "preparing", doing: "being told what its cluster needs", since, warnings: [] };
  }
  return said.state;
}

/** It mounts, and says by its heartbeat when it can't. */
function ofOldAgent({ spec }: Cluster, { name, agentVersion }: Node): Readiness {
  if (!spec.nodeSetup?.setupTask) return { kind: "ready", warnings: [] };
  const fault = {
    code: "SetupTaskFailed",
    message: `the agent of node ${name} (version ${agentVersion}) runs no setup tasks: upgrade it`,
    details: [{ name: "Node", value: name }],
  };
  return { kind: "failed", fault, warnings: [] };
}

/** Its setup task needs its volumes, and one of them nobody can be told to mount. */
export function faultBeforeTask(world: World, cluster: Cluster): ResourceFault | undefined {
  const { setupTask, mountVolumes } = cluster.spec.nodeSetup ?? {};
  return setupTask && mountVolumes ? clusterVolumes(world, cluster).faults[0] : undefined;
}

/** In words, for a node that is not ready. */
export function unreadiness(readiness: Readiness, now: Instant): string | undefined {
  if (readiness.kind === "ready") return undefined;
  if (readiness.kind === "failed") return readiness.fault.message;
  return `${readiness.doing} for ${duration(now - readiness.since)}`;
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  return seconds < 180 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
}

/** What went wrong with the preparation of its nodes, each once: for the cluster's `errors`. `known` are told already. */
export function preparationFaults(
  world: World,
  members: Iterable<Node>,
  known: readonly ResourceFault[] = [],
): ResourceFault[] {
  const told = new Set(known.map(({ message }) => message));
  return [...members].flatMap((node) => {
    const readiness = readinessOf(world, node);
    if (readiness.kind !== "failed" || told.has(readiness.fault.message)) return [];
    told.add(readiness.fault.message);
    return [readiness.fault];
  });
}

/** `m1: running the setup task for 40 s` */
export function preparationLines(world: World, members: Iterable<Node>, now: Instant): string[] {
  return [...members].flatMap((node) => {
    const readiness = readinessOf(world, node);
    const doing = readiness.kind === "preparing" && (world.liveness.get(node.uuid)?.session ?? "") !== "";
    return doing ? [`${node.name}: ${unreadiness(readiness, now)}`] : [];
  });
}

/** Each once, with the nodes that it is said of. */
export function preparationWarnings(world: World, members: Iterable<Node>): string[] {
  const nodes = new Map<string, string[]>();
  for (const node of members) {
    for (const warning of readinessOf(world, node).warnings) {
      nodes.set(warning, [...(nodes.get(warning) ?? []), node.name]);
    }
  }
  return [...nodes].map(([warning, names]) => `${names.join(", ")}: ${warning}`);
}
