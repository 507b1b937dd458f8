import type {
  AzureBlobFileSystemReference,
  AzureFileShareReference,
  AzureStorageCredentials,
  MountPlan,
  MountVolumes,
} from "../../../shared/gen/stoker/v1/mount_pb.js";
import { mountableOf, withPort } from "../file-servers/mountable.js";
import type { World } from "../memory.js";
import { resolveFileServer } from "../names.js";
import type { Plain } from "../plain.js";
import { withoutLastSlashes } from "../slashes.js";
import type { Cluster, FileServer, Job, ResourceFault, Workspace } from "../state.js";
import {
  type AzureSource,
  hostOfShare,
  keyOf,
  mapped,
  sourceOfContainer,
  sourceOfShare,
  unmappedAdvice,
} from "./azure-storage.js";

/** What of a `mountVolumes` block an agent can be told to mount, what will be there later, and what can't be mounted at all. */
export interface VolumePlan {
  readonly mounts: readonly Plain<MountPlan>[];
  /** In words. */
  readonly waits: readonly string[];
  readonly faults: readonly ResourceFault[];
}

const nothing: VolumePlan = { mounts: [], waits: [], faults: [] };

export function planVolumes(
  world: World,
  workspace: Workspace | undefined,
  volumes: MountVolumes | undefined,
): VolumePlan {
  if (!volumes || !workspace) return nothing;
  const parts = [
    ...volumes.azureFileShares.map((share) => shareVolume(world, share)),
    ...volumes.azureBlobFileSystems.map((container) => containerVolume(world, container)),
    ...volumes.fileServers.map(({ fileServer, sourceDirectory, relativeMountPath, mountOptions }) => {
      const server = resolveFileServer(world, workspace, fileServer?.id ?? "");
      return serverVolume(world, server, sourceDirectory, mountOptions, relativeMountPath);
    }),
    ...volumes.unmanagedFileSystems.map(({ mountCommand, relativeMountPath }) =>
      mount(relativeMountPath, { case: "command", value: { command: mountCommand } }),
    ),
  ];
  return {
    mounts: parts.flatMap(({ mounts }) => mounts),
    waits: parts.flatMap(({ waits }) => waits),
    faults: parts.flatMap(({ faults }) => faults),
  };
}

const mount = (relativeMountPath: string, kind: Plain<MountPlan>["kind"]): VolumePlan => ({
  ...nothing,
  mounts: [{ relativeMountPath: withoutLastSlashes(relativeMountPath), kind }],
});

function failure(code: string, message: string, source: string, relativeMountPath: string): VolumePlan {
  const details = [
    { name: "source", value: source },
    { name: "relativeMountPath", value: relativeMountPath },
  ];
  return { ...nothing, faults: [{ code, message, details }] };
}

function serverVolume(
  world: World,
  server: FileServer,
  directory: string,
  options: string,
  relativeMountPath: string,
): VolumePlan {
  const found = mountableOf(world, server);
  switch (found.kind) {
    case "there": {
      const path = withoutLastSlashes([found.path, directory].join("/").replace(/\/{2,}/g, "/")) || "/";
      const value = { host: found.host, export: path, options: withPort(options || found.options, found.port) };
      return mount(relativeMountPath, { case: "nfs", value });
    }
    case "waits":
      return { ...nothing, waits: [found.why] };
    case "fails":
      return failure("NFSMountError", found.why, server.name, relativeMountPath);
    default:
      return nothing;
  }
}

function shareVolume(world: World, share: AzureFileShareReference): VolumePlan {
  const { relativeMountPath, fileMode, directoryMode } = share;
  const source = sourceOfShare(share);
  const found = mapped(world, source);
  if (found) return serverVolume(world, found.server, found.directory, "", relativeMountPath);
  const credentials = ownCredentials(share.credentials);
  if (!credentials) return unmapped("AZFMountError", "share", source, relativeMountPath);
  const path = [source.name, source.directory].filter((part) => part !== "").join("/");
  const { account } = source;
  const value = { host: hostOfShare(share), share: path, userName: account, credentials, fileMode, directoryMode };
  return mount(relativeMountPath, { case: "cifs", value });
}

function containerVolume(world: World, container: AzureBlobFileSystemReference): VolumePlan {
  const { relativeMountPath, mountOptions: options } = container;
  const source = sourceOfContainer(container);
  const found = mapped(world, source);
  if (found) return serverVolume(world, found.server, found.directory, "", relativeMountPath);
  const credentials = ownCredentials(container.credentials);
  if (!credentials) return unmapped("BFSMountError", "container", source, relativeMountPath);
  const value = { account: source.account, container: source.name, credentials, options };
  return mount(relativeMountPath, { case: "rclone", value });
}

/** The key, or what stands for it until it is sent: see secrets/reference.ts. */
function ownCredentials(given: AzureStorageCredentials | undefined): Plain<AzureStorageCredentials> | undefined {
  const accountKey = keyOf(given);
  return accountKey === "" ? undefined : { accountKey };
}

const unmapped = (code: string, noun: "share" | "container", source: AzureSource, relativeMountPath: string) =>
  failure(code, unmappedAdvice(noun, source), `${source.account}/${source.name}`, relativeMountPath);

export function clusterVolumes(world: World, cluster: Cluster): VolumePlan {
  const volumes = cluster.spec.nodeSetup?.mountVolumes;
  return planVolumes(world, world.workspaces.get(cluster.workspace), volumes);
}

export function jobVolumes(world: World, job: Job): VolumePlan {
  const experiment = world.experiments.get(job.experiment);
  return planVolumes(world, experiment && world.workspaces.get(experiment.workspace), job.spec.mountVolumes);
}
