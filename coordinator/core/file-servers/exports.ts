import type { ExportState, ExportStates } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { ignore } from "../agents/heartbeat.js";
import { isConnected, membersOf } from "../cluster.js";
import { cut } from "../cut.js";
import type { Draft } from "../draft.js";
import { mapped, sourceOfContainer, sourceOfShare } from "../grant/azure-storage.js";
import type { World } from "../memory.js";
import { idOfFileServer, nodeNamed, resolveFileServer } from "../names.js";
import { orderPreparation } from "../preparation/order.js";
import type { Cluster, FileServer, Node } from "../state.js";
import type { Managed } from "./managed.js";
import { serversOn } from "./place.js";

export interface ExportsEvent {
  readonly kind: "agent-exports";
  readonly session: string;
  readonly node: string;
  readonly states: ExportStates;
}

/** All that the node is to serve. */
export function orderExports(draft: Draft, node: Node): void {
  const { world } = draft;
  const exports = serversOn(world, node).flatMap((server) => {
    const { managed } = server;
    if (!managed || managed.state === "deleting") return [];
    const { disks, mountPoint, clients } = managed;
    const name = idOfFileServer(world, server);
    // Where the file system of disks is mounted is its agent's own business.
    const directory = disks.length > 0 ? "" : managed.directory;
    return [{ id: server.uuid, name, directory, disks: [...disks], mountPoint, clients: [...clients] }];
  });
  draft.order({ kind: "set-exports", node: node.name, exports });
}

/** It is told what to serve when there is anything, or it serves what it should no longer. */
export function helloOfServer(
  draft: Draft,
  node: Node,
  { before, exports }: { before: Node | undefined; exports: number },
): void {
  const servers = serversOn(draft.world, node);
  if (servers.length > 0 || exports > 0) orderExports(draft, node);
  if (!before || before.address === node.address) return;
  for (const server of servers) dependentsChanged(draft, server);
}

/** ExportPhase; the enum itself is a value, which the core can't import. */
const [served, failed] = [2, 3];

export function exportsReported(draft: Draft, event: ExportsEvent): void {
  const node = nodeNamed(draft.world, event.node);
  if (!node || draft.world.liveness.get(node.uuid)?.session !== event.session) {
    ignore(draft, event.node, "export states of a session that does not speak for the node");
    return;
  }
  const said = new Map(event.states.exports.map((state) => [state.id, state]));
  for (const server of serversOn(draft.world, node)) {
    const state = said.get(server.uuid);
    if (server.managed?.state === "deleting") {
      if (!state) draft.delete("file-server", server.uuid);
    } else if (state && server.managed) take(draft, server, server.managed, state);
  }
}

function take(draft: Draft, server: FileServer, before: Managed, said: ExportState): void {
  const after = withState(before, said);
  if (typeof after === "string") {
    ignore(draft, draft.world.nodes.get(before.node)?.name ?? "", `export ${server.name}: ${after}`);
    return;
  }
  if (JSON.stringify(after) === JSON.stringify(before)) return;
  const since = after.state === before.state ? before.since : draft.now;
  draft.put("file-server", { ...server, managed: { ...after, since } });
  dependentsChanged(draft, server);
}

function withState(before: Managed, { phase, mountPoint, port, directory, error }: ExportState): Managed | string {
  const { fault: _, ...rest } = before;
  if (phase === failed) {
    const message = cut(error?.message ?? "", 1_000) || "its agent does not say why";
    const code = /^\w{1,100}$/.test(error?.code ?? "") ? (error?.code ?? "") : "FileServerFailed";
    return { ...rest, state: "failed", fault: { code, message, details: [] } };
  }
  if (phase !== served) return before;
  if (!/^\/[^\n\r]{0,4095}$/.test(mountPoint)) return "it has no mount point";
  if (port < 1 || port > 65_535) return `${port} can't be its port`;
  if (directory.length > 4_096) return "its directory's path is too long";
  return { ...rest, state: "succeeded", mountPoint, port, directory };
}

/** Whoever mounts it does so anew: its address, its path or its being there is another. */
export function dependentsChanged(draft: Draft, server: FileServer): void {
  for (const cluster of draft.world.clusters.values()) {
    draft.touched.add(cluster.uuid);
    if (!mounts(draft.world, cluster, server)) continue;
    for (const node of [...membersOf(draft.world, cluster)]) orderPreparation(draft, node);
  }
}

function mounts(world: World, cluster: Cluster, server: FileServer): boolean {
  const workspace = world.workspaces.get(cluster.workspace);
  const volumes = cluster.spec.nodeSetup?.mountVolumes;
  if (!workspace || !volumes) return false;
  const sources = [
    ...volumes.azureFileShares.map(sourceOfShare),
    ...volumes.azureBlobFileSystems.map(sourceOfContainer),
  ];
  return (
    sources.some((source) => mapped(world, source)?.server.uuid === server.uuid) ||
    volumes.fileServers.some(
      ({ fileServer }) => resolveFileServer(world, workspace, fileServer?.id ?? "").uuid === server.uuid,
    )
  );
}

/** At once for one whose machine can't be told now: it learns it with its next hello. */
export function withdraw(draft: Draft, server: FileServer): void {
  const node = server.managed && draft.world.nodes.get(server.managed.node);
  if (!server.managed || !node || !isConnected(draft.world, node)) {
    draft.delete("file-server", server.uuid);
    return;
  }
  if (server.managed.state === "deleting") return;
  draft.put("file-server", { ...server, managed: { ...server.managed, state: "deleting", since: draft.now } });
  orderExports(draft, node);
}

/** Along with its workspace: nothing of it can be shown any more. */
export function withdrawAtOnce(draft: Draft, server: FileServer): void {
  draft.delete("file-server", server.uuid);
  const node = server.managed && draft.world.nodes.get(server.managed.node);
  if (node) orderExports(draft, node);
}

/** Those whose machine went away while it was asked to serve them no longer. */
export function dropWithdrawn(draft: Draft): void {
  for (const server of [...draft.world.fileServers.values()]) {
    if (server.managed?.state !== "deleting") continue;
    const node = draft.world.nodes.get(server.managed.node);
    if (!node || !isConnected(draft.world, node)) draft.delete("file-server", server.uuid);
  }
}
