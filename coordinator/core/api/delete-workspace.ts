import { Fault } from "../../../shared/fault.js";
import { nameFor } from "../access/foreign.js";
import { dropRoles } from "../access/roles.js";
import { isDeleting } from "../deleting.js";
import type { Draft } from "../draft.js";
import { findWorkspace, idOfCluster, idOfJob } from "../names.js";
import { keysIn } from "../secrets/reference.js";
import { secretKey } from "../secrets/secret.js";
import type { Workspace } from "../state.js";
import { dropExperiment, refuseMounted, removeCluster, removeFileServer } from "./delete.js";

/** Its jobs are terminated and go as they end, experiments with their last job; it goes with its last experiment, and takes the rest along. */
export function deleteWorkspace(draft: Draft, id: string): string {
  const { world } = draft;
  const workspace = findWorkspace(world, id);
  if (workspace.deletingSince !== undefined) return workspace.uuid;
  refuseUsedElsewhere(draft, workspace);
  for (const server of world.fileServers.values()) {
    if (server.workspace === workspace.uuid) refuseMounted(draft, server, workspace);
  }
  draft.put("workspace", { ...workspace, deletingSince: draft.now });
  draft.withdrawalStale = true;
  for (const experiment of [...world.experiments.values()]) {
    if (experiment.workspace === workspace.uuid) dropExperiment(draft, experiment);
  }
  return workspace.uuid;
}

/** By jobs and clusters that stay. */
function refuseUsedElsewhere(draft: Draft, workspace: Workspace): void {
  const { world } = draft;
  const keys = new Set(
    [...world.secrets.values()]
      .filter((secret) => secret.workspace === workspace.uuid)
      .map(({ name }) => secretKey(workspace.uuid, name)),
  );
  for (const job of world.jobs.values()) {
    if (job.state.kind === "finished") continue;
    const owner = world.experiments.get(job.experiment)?.workspace;
    if (owner === undefined || owner === workspace.uuid) continue;
    const name = nameFor(draft, "job", owner, `${idOfJob(world, job)}, of another workspace,`);
    const cluster = world.clusters.get(job.request.cluster);
    if (cluster?.workspace === workspace.uuid) {
      throw inUse(workspace, `${name} is on its cluster ${cluster.name}`);
    }
    const key = job.request.secrets?.find((one) => keys.has(one));
    if (key !== undefined) throw inUse(workspace, `${name} uses a secret of it`);
  }
  for (const cluster of world.clusters.values()) {
    if (cluster.workspace === workspace.uuid || keys.size === 0) continue;
    if (keysIn(cluster.spec).some((key) => keys.has(key))) {
      const name = nameFor(draft, "cluster", cluster.workspace, idOfCluster(world, cluster));
      throw inUse(workspace, `${name} uses a secret of it`);
    }
  }
}

const inUse = ({ name }: Workspace, why: string) =>
  new Fault("failed-precondition", `workspace ${name} can't be deleted: ${why}; terminate or delete that first`);

/** Those that are being deleted and whose experiments have gone. What else they hold goes with them. */
export function withdrawWorkspaces(draft: Draft): void {
  const { world } = draft;
  draft.withdrawalStale = false;
  for (const workspace of [...world.workspaces.values()]) {
    if (!isDeleting(world, workspace.uuid)) continue;
    const inside = (row: { workspace: Workspace["uuid"] }) => row.workspace === workspace.uuid;
    if ([...world.experiments.values()].some(inside)) continue;
    for (const cluster of [...world.clusters.values()].filter(inside)) removeCluster(draft, cluster);
    for (const server of [...world.fileServers.values()].filter(inside)) removeFileServer(draft, server);
    for (const { name } of [...world.secrets.values()].filter(inside)) {
      draft.delete("secret", secretKey(workspace.uuid, name));
    }
    dropRoles(draft, workspace);
    draft.delete("workspace", workspace.uuid);
  }
}
