import { Fault } from "../../../shared/fault.js";
import type { ClusterSpec } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import type { JobSpec } from "../../../shared/gen/stoker/v1/job_pb.js";
import type { Draft } from "../draft.js";
import { workspaceNameIn } from "../names.js";
import type { Settings } from "../settings.js";
import type { Workspace } from "../state.js";
import { isAdministrator, reaches, roleIn } from "./caller.js";

/**
 * Set-up tasks and mount commands are root's on the machines: whoever may name one has all that runs there. Jobs are kept to their submitters'
 * accounts, so that the role for submitting them is not enough. (Admin accounts are for each machine's owner to allow.)
 */
export function refuseRootInCluster(draft: Draft, workspace: Workspace, { nodeSetup }: ClusterSpec): void {
  if (nodeSetup?.setupTask) refuse(draft, [workspace], "nodeSetup.setupTask", "runs as root on the cluster's machines");
  if ((nodeSetup?.mountVolumes?.unmanagedFileSystems ?? []).length > 0)
    refuse(draft, [workspace], "nodeSetup.mountVolumes.unmanagedFileSystems", mounts);
}

export function refuseRootInJob(draft: Draft, workspace: Workspace, { cluster, mountVolumes }: JobSpec): void {
  if ((mountVolumes?.unmanagedFileSystems ?? []).length === 0) return;
  const name = workspaceNameIn(cluster?.id ?? "");
  const uuid = name === undefined ? undefined : draft.world.index.workspaceByName.get(name);
  const lender = uuid && draft.world.workspaces.get(uuid);
  refuse(draft, lender ? [workspace, lender] : [workspace], "mountVolumes.unmanagedFileSystems", mounts);
}

const mounts = "has a mountCommand, which runs as root on the machines";

/** In all of these workspaces the caller must be what the coordinator is set to want. */
function refuse({ world, origin }: Draft, workspaces: readonly Workspace[], field: string, what: string): void {
  if (!origin || (origin.caller && isAdministrator(world, origin.caller))) return;
  const needed = world.settings.rootCommands;
  const { caller } = origin;
  const short = workspaces.find(
    (workspace) => needed === "administrator" || !caller || !reaches(roleIn(world, caller, workspace), needed),
  );
  if (!short) return;
  const who = caller?.name ?? "nobody";
  const wanted = needed === "administrator" ? "administrator of the lab" : `${needed} of workspace ${short.name}`;
  throw new Fault(
    "permission-denied",
    `${field}: ${what}, and ${who} is not ${wanted}: ask one, or an administrator of the lab to let more people do so (${advice[needed]})`,
  );
}

const advice: Record<Settings["rootCommands"], string> = {
  administrator: "`root-commands: owner` in coordinator.yaml",
  owner: "`stoker role grant`, or `root-commands: contributor` in coordinator.yaml",
  contributor: "`stoker role grant`",
};
