import { Fault } from "../../../shared/fault.js";
import type { ClusterSpec } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import type { FileServerSpec } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import type { JobSpec } from "../../../shared/gen/stoker/v1/job_pb.js";
import type { MountVolumes } from "../../../shared/gen/stoker/v1/mount_pb.js";
import type { WorkspaceId } from "../../../shared/ids.js";
import type { Draft } from "../draft.js";
import { workspaceNameIn } from "../names.js";
import { type ChangeSecret, changeClusterSecrets, changeJobSecrets } from "../secrets/fields.js";
import { workspaceOfSecretUrl } from "../secrets/reference.js";
import type { Workspace } from "../state.js";
import { requireRole } from "./authorize.js";
import { isAdministrator, mayRead } from "./caller.js";

/**
 * Specs may name things of other workspaces: a cluster to run on, file servers to mount, secrets. Who submits one must be contributor there, too:
 * a job can change what it mounts, and takes what it runs on from others. Asked before the spec is admitted, which would tell what there is.
 */
export function refuseForeignInJob(draft: Draft, workspace: Workspace, spec: JobSpec): void {
  const ids = [spec.cluster?.id ?? "", ...fileServersIn(spec.mountVolumes)];
  refuseForeign(draft, workspace, ids, (change) => changeJobSecrets(spec, change));
}

export function refuseForeignInCluster(draft: Draft, workspace: Workspace, spec: ClusterSpec): void {
  const ids = fileServersIn(spec.nodeSetup?.mountVolumes);
  refuseForeign(draft, workspace, ids, (change) => changeClusterSecrets(spec, change));
}

/** What a machine's owner has not offered to everybody: any directory of it, or whole disks. */
export function refuseMachineFiles({ world, origin }: Draft, { managed }: FileServerSpec): void {
  if (!origin || (origin.caller && isAdministrator(world, origin.caller))) return;
  if (!managed || (managed.directory === "" && managed.disks.length === 0)) return;
  throw new Fault(
    "permission-denied",
    `only administrators of the lab may have a machine serve any directory or disk of it, and ${origin.caller?.name ?? "nobody"} is none: name none, for the folder that its owner offers`,
  );
}

function refuseForeign(
  { world, origin }: Draft,
  workspace: Workspace,
  ids: readonly string[],
  eachSecret: (change: ChangeSecret) => unknown,
): void {
  if (!origin || (origin.caller && isAdministrator(world, origin.caller))) return;
  const named = new Map<string, string>();
  for (const id of ids) {
    const name = workspaceNameIn(id);
    if (name !== undefined) named.set(name, id);
  }
  eachSecret((value, _, reference) => {
    const url = reference?.secretUrl.trim() ?? "";
    const name = workspaceOfSecretUrl(url);
    if (name !== undefined) named.set(name, url);
    return value;
  });
  named.delete(workspace.name);
  for (const [name, id] of named) {
    const uuid = world.index.workspaceByName.get(name);
    requireRole(world, origin.caller, uuid && world.workspaces.get(uuid), "contributor", id);
  }
}

/** In messages: what whoever asks may not read has no name there. */
export function nameFor({ world, origin }: Draft, noun: "job" | "cluster", workspace: WorkspaceId, id: string): string {
  if (!origin || (origin.caller && mayRead(world, origin.caller, world.workspaces.get(workspace)))) return id;
  return `a ${noun} of another workspace`;
}

const fileServersIn = (volumes: MountVolumes | undefined) =>
  (volumes?.fileServers ?? []).map(({ fileServer }) => fileServer?.id ?? "");
