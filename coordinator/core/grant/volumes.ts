import type { ExistingExport } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import type { MountPlan, MountVolumes } from "../../../shared/gen/stoker/v1/mount_pb.js";
import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import { idOfCluster, resolveFileServer } from "../names.js";
import type { Plain } from "../plain.js";
import { withoutLastSlashes } from "../slashes.js";
import type { Cluster, Node, ResourceFault, Workspace } from "../state.js";
import { type AzureSource, mapped, sourceOfContainer, sourceOfShare } from "./azure-storage.js";

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
  const fromAzure = (code: string, noun: string, source: AzureSource, relativeMountPath: string) => {
    const found = mapped(world, source);
    const existing = found?.server.spec.existing;
    if (existing) mounts.push(nfsMount(existing, found.directory, "", relativeMountPath));
    else faults.push(unmapped(code, noun, source, relativeMountPath));
  };
  for (const share of volumes.azureFileShares) {
    fromAzure("AZFMountError", "share", sourceOfShare(share), share.relativeMountPath);
  }
  for (const container of volumes.azureBlobFileSystems) {
    fromAzure("BFSMountError", "container", sourceOfContainer(container), container.relativeMountPath);
  }
  for (const { fileServer, sourceDirectory, relativeMountPath, mountOptions } of volumes.fileServers) {
    const { existing } = resolveFileServer(world, workspace, fileServer?.id ?? "").spec;
    if (!existing) {
      faults.push(fault("NFSMountError", "file servers without `existing`", fileServer?.id ?? "", relativeMountPath));
      continue;
    }
    mounts.push(nfsMount(existing, sourceDirectory, mountOptions, relativeMountPath));
  }
  for (const { mountCommand, relativeMountPath } of volumes.unmanagedFileSystems) {
    mounts.push({
      relativeMountPath: trimmed(relativeMountPath),
      kind: { case: "command", value: { command: mountCommand } },
    });
  }
  return { mounts, faults };
}

function nfsMount(
  existing: ExistingExport,
  directory: string,
  options: string,
  relativeMountPath: string,
): Plain<MountPlan> {
  const source = withoutLastSlashes([existing.export, directory].join("/").replace(/\/{2,}/g, "/")) || "/";
  const nfs = { host: existing.host, export: source, options: options || existing.mountOptions };
  return { relativeMountPath: trimmed(relativeMountPath), kind: { case: "nfs", value: nfs } };
}

const trimmed = withoutLastSlashes;

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

/** With the command that would help. */
function unmapped(code: string, noun: string, source: AzureSource, relativeMountPath: string): ResourceFault {
  const { account, name } = source;
  return {
    code,
    message:
      `Azure ${noun} ${account}/${name} stands for nothing on this site: ` +
      `\`stoker storage map '${account}/${name}' FILE-SERVER[/PATH]\` says which directory is meant`,
    details: [
      { name: "source", value: `${account}/${name}` },
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
