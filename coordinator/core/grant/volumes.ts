import type { MountPlan, MountVolumes } from "../../../shared/gen/stoker/v1/mount_pb.js";
import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import { idOfCluster, resolveFileServer } from "../names.js";
import type { Plain } from "../plain.js";
import type { Cluster, Node, ResourceFault, Workspace } from "../state.js";

/** What of a `mountVolumes` block an agent can be told to mount, and in words what this release can't. */
export interface VolumePlan {
  readonly mounts: Plain<MountPlan>[];
  readonly faults: readonly ResourceFault[];
}

export function planVolumes(
  world: World,
  workspace: Workspace | undefined,
  volumes: MountVolumes | undefined,
): VolumePlan {
  if (!volumes || !workspace) return { mounts: [], faults: [] };
  const faults: ResourceFault[] = [];
  const mounts: Plain<MountPlan>[] = [];
  for (const { azureFileUrl, relativeMountPath } of volumes.azureFileShares) {
    faults.push(fault("AZFMountError", "Azure file shares", azureFileUrl, relativeMountPath));
  }
  for (const { accountName, containerName, relativeMountPath } of volumes.azureBlobFileSystems) {
    faults.push(fault("BFSMountError", "Azure blob containers", `${accountName}/${containerName}`, relativeMountPath));
  }
  for (const { fileServer, sourceDirectory, relativeMountPath, mountOptions } of volumes.fileServers) {
    const { existing } = resolveFileServer(world, workspace, fileServer?.id ?? "").spec;
    if (!existing) {
      faults.push(fault("NFSMountError", "file servers without `existing`", fileServer?.id ?? "", relativeMountPath));
      continue;
    }
    const source = [existing.export, sourceDirectory]
      .join("/")
      .replace(/\/{2,}/g, "/")
      .replace(/(.)\/+$/, "$1");
    const nfs = { host: existing.host, export: source, options: mountOptions || existing.mountOptions };
    mounts.push({ relativeMountPath: trimmed(relativeMountPath), kind: { case: "nfs", value: nfs } });
  }
  for (const { mountCommand, relativeMountPath } of volumes.unmanagedFileSystems) {
    mounts.push({
      relativeMountPath: trimmed(relativeMountPath),
      kind: { case: "command", value: { command: mountCommand } },
    });
  }
  return { mounts, faults };
}

const trimmed = (path: string) => path.replace(/\/+$/, "");

function fault(code: string, kind: string, source: string, relativeMountPath: string): ResourceFault {
  return {
    code,
    message: `this release of Stoker does not mount ${kind}: name an NFS file server or an unmanaged file system for ${relativeMountPath}`,
    details: [
      { name: "source", value: source },
      { name: "relativeMountPath", value: relativeMountPath },
    ],
  };
}

export function clusterVolumes(world: World, cluster: Cluster): VolumePlan {
  const volumes = cluster.spec.nodeSetup?.mountVolumes;
  return planVolumes(world, world.workspaces.get(cluster.workspace), volumes);
}

/** Tells the node's agent what its membership mounts. */
export function orderMounts(draft: Draft, node: Node): void {
  const cluster = node.cluster && draft.world.clusters.get(node.cluster);
  draft.order({
    kind: "set-mounts",
    node: node.name,
    clusterId: cluster ? idOfCluster(draft.world, cluster) : "",
    mounts: cluster ? clusterVolumes(draft.world, cluster).mounts : [],
  });
}
