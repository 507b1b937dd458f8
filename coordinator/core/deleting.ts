import { Fault } from "../../shared/fault.js";
import type { World } from "./memory.js";
import type { Cluster, Workspace } from "./state.js";

export const isDeleting = (world: World, workspace: Workspace["uuid"]) =>
  world.workspaces.get(workspace)?.deletingSince !== undefined;

/** It, and what it holds, takes nothing new. */
export function refuseDeleting(world: World, uuid: Workspace["uuid"]): void {
  const workspace = world.workspaces.get(uuid);
  if (workspace?.deletingSince === undefined) return;
  throw new Fault("failed-precondition", `workspace ${workspace.name} is being deleted: wait until it is gone`);
}

export function refuseGoing(cluster: Cluster): void {
  if (cluster.deletingSince === undefined) return;
  throw new Fault("failed-precondition", `cluster ${cluster.name} is being deleted: wait until it is gone`);
}
