import { unreachable } from "../../shared/assert.js";
import { clusterId, experimentId, fileServerId, jobId, nodeId, subscriptionId, workspaceId } from "../../shared/ids.js";
import { applyAccess } from "./access/apply.js";
import { keepOutgoing, keepRecent } from "./announcements/kept.js";
import { type Change, keyOf, type Put, type RowChange, type Table } from "./changes.js";
import { indexJob, indexNode, roomChanged } from "./indexes.js";
import type { World } from "./memory.js";
import type { Attempt } from "./state.js";

/** Does to memory what the catalog does to its rows. In order; the changes of one step, or of several one after another. */
export function apply(world: World, changes: readonly Change[]): void {
  for (const change of changes) applyOne(world, change);
}

/** Rebuilds memory from rows. Any order will do. */
export function load(world: World, rows: Iterable<{ [T in Table]: Put<T> }[Table]>): void {
  for (const row of rows) applyOne(world, row);
}

export function applyOne(world: World, change: Change): void {
  switch (change.kind) {
    case "liveness":
      if (change.liveness === undefined) world.liveness.delete(change.node);
      else world.liveness.set(change.node, change.liveness);
      if (change.roomChanged) roomChanged(world, world.nodes.get(change.node));
      return;
    case "ticked":
      world.clock.tickedAt = change.at;
      world.clock.graceUntil = change.graceUntil;
      return;
    case "announced":
      keepRecent(world, change.announcement);
      return;
    case "allocation":
      world.index.allocations.set(change.cluster, change.allocation);
      return;
    case "blocked":
      world.index.blocked.set(change.cluster, change.blocked);
      return;
    case "put":
    case "delete":
      applyRow(world, change);
      return;
    default:
      unreachable(change);
  }
}

function applyRow(world: World, change: RowChange): void {
  const { index } = world;
  switch (change.table) {
    case "workspace": {
      const row = change.kind === "put" ? change.row : undefined;
      const uuid = row?.uuid ?? workspaceId(keyOfChange(change));
      const before = world.workspaces.get(uuid);
      replace(world.workspaces, uuid, row);
      if (before) index.workspaceByName.delete(before.name);
      if (row) index.workspaceByName.set(row.name, row.uuid);
      return;
    }
    case "cluster": {
      const row = change.kind === "put" ? change.row : undefined;
      const uuid = row?.uuid ?? clusterId(keyOfChange(change));
      const before = world.clusters.get(uuid);
      replace(world.clusters, uuid, row);
      if (before) index.clusterByName.delete(`${before.workspace} ${before.name}`);
      if (row) index.clusterByName.set(`${row.workspace} ${row.name}`, row.uuid);
      if (!row) index.allocations.delete(uuid);
      if (row) world.next.cluster = Math.max(world.next.cluster, row.sequence + 1);
      return;
    }
    case "file-server": {
      const row = change.kind === "put" ? change.row : undefined;
      const uuid = row?.uuid ?? fileServerId(keyOfChange(change));
      const before = world.fileServers.get(uuid);
      replace(world.fileServers, uuid, row);
      if (before) index.fileServerByName.delete(`${before.workspace} ${before.name}`);
      if (row) index.fileServerByName.set(`${row.workspace} ${row.name}`, row.uuid);
      return;
    }
    case "experiment": {
      const row = change.kind === "put" ? change.row : undefined;
      const uuid = row?.uuid ?? experimentId(keyOfChange(change));
      const before = world.experiments.get(uuid);
      replace(world.experiments, uuid, row);
      if (before) index.experimentByName.delete(`${before.workspace} ${before.name}`);
      if (row) index.experimentByName.set(`${row.workspace} ${row.name}`, row.uuid);
      return;
    }
    case "job": {
      const row = change.kind === "put" ? change.row : undefined;
      const uuid = row?.uuid ?? jobId(keyOfChange(change));
      const before = world.jobs.get(uuid);
      replace(world.jobs, uuid, row);
      indexJob(world, before, row);
      return;
    }
    case "node": {
      const row = change.kind === "put" ? change.row : undefined;
      const uuid = row?.uuid ?? nodeId(keyOfChange(change));
      const before = world.nodes.get(uuid);
      replace(world.nodes, uuid, row);
      indexNode(world, before, row);
      return;
    }
    case "storage-mapping":
      replace(world.storageMappings, keyOfChange(change), change.kind === "put" ? change.row : undefined);
      return;
    case "attempt":
      if (change.kind === "put") putAttempt(world, change.row);
      return;
    case "witness-set":
      replace(world.witnessSets, Number(keyOfChange(change)), change.kind === "put" ? change.row : undefined);
      return;
    case "machine-class-alias":
      replace(world.machineClassAliases, keyOfChange(change), change.kind === "put" ? change.row : undefined);
      return;
    case "secret":
      replace(world.secrets, keyOfChange(change), change.kind === "put" ? change.row : undefined);
      return;
    case "subscription":
      replace(world.subscriptions, subscriptionId(keyOfChange(change)), change.kind === "put" ? change.row : undefined);
      return;
    case "outgoing":
      keepOutgoing(world, Number(keyOfChange(change)), change.kind === "put" ? change.row : undefined);
      return;
    case "node-identity":
      replace(world.nodeIdentities, keyOfChange(change), change.kind === "put" ? change.row : undefined);
      return;
    case "join-token":
      replace(world.joinTokens, keyOfChange(change), change.kind === "put" ? change.row : undefined);
      return;
    case "node-health": {
      const row = change.kind === "put" ? change.row : undefined;
      const uuid = row?.node ?? nodeId(keyOfChange(change));
      replace(world.nodeHealth, uuid, row);
      roomChanged(world, world.nodes.get(uuid));
      return;
    }
    case "idempotency-key":
      replace(world.idempotencyKeys, keyOfChange(change), change.kind === "put" ? change.row : undefined);
      return;
    case "user":
    case "api-token":
    case "role-assignment":
    case "audit-entry":
      applyAccess(world.access, change);
      return;
    // For people and the feed: nothing is decided by it.
    case "job-event":
      return;
    default:
      unreachable(change);
  }
}

const keyOfChange = (change: RowChange) => (change.kind === "put" ? keyOf(change.row) : change.key);

function replace<K, V>(table: { set(key: K, value: V): unknown; delete(key: K): unknown }, key: K, row: V | undefined) {
  if (row === undefined) table.delete(key);
  else table.set(key, row);
}

function putAttempt(world: World, row: Attempt): void {
  const others = (world.attempts.get(row.job) ?? []).filter(({ number }) => number !== row.number);
  const at = others.findIndex(({ number }) => number > row.number);
  world.attempts.set(row.job, at < 0 ? [...others, row] : others.toSpliced(at, 0, row));
}
