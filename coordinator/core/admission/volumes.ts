import type { AzureStorageCredentials, MountVolumes } from "../../../shared/gen/stoker/v1/mount_pb.js";
import { refuseDeleting } from "../deleting.js";
import {
  type AzureSource,
  hostOfShare,
  keyOf,
  mapped,
  sourceOfContainer,
  sourceOfShare,
  unmappedAdvice,
} from "../grant/azure-storage.js";
import type { World } from "../memory.js";
import { resolveFileServer } from "../names.js";
import { withoutLastSlashes } from "../slashes.js";
import type { Workspace } from "../state.js";
import { admitClean, admitPathText, admitText, admitUnique, pathMax, refuse, shown, unsupported } from "./fields.js";

/** Volumes of a cluster or job. Azure's shares and containers must stand for something here, or come with their key. */
export function admitVolumes(
  path: string,
  volumes: MountVolumes | undefined,
  world: World,
  workspace: Workspace,
): MountVolumes | undefined {
  if (volumes === undefined) return undefined;
  const { azureFileShares, azureBlobFileSystems, fileServers, unmanagedFileSystems } = volumes;
  azureFileShares.forEach((share, at) => {
    const own = `${path}.azureFileShares[${at}]`;
    admitPathText(`${own}.azureFileUrl`, share.azureFileUrl);
    for (const field of ["fileMode", "directoryMode"] as const) admitMode(`${own}.${field}`, share[field]);
    admitSource(own, "share", world, sourceOfShare(share), share.credentials);
    if (keyOf(share.credentials) !== "" && !/^[-\w.:]+$/.test(hostOfShare(share))) {
      refuse(`${own}.azureFileUrl`, `"${shown(share.azureFileUrl)}" is not https://HOST/SHARE`);
    }
  });
  azureBlobFileSystems.forEach((container, at) => {
    const own = `${path}.azureBlobFileSystems[${at}]`;
    admitText(`${own}.containerName`, container.containerName);
    if (container.containerName.split("/").includes("..")) refuse(`${own}.containerName`, `leads out by ".."`);
    admitMountOptions(`${own}.mountOptions`, container.mountOptions);
    admitSource(own, "container", world, sourceOfContainer(container), container.credentials);
  });
  fileServers.forEach((server, at) => {
    const own = `${path}.fileServers[${at}]`;
    const id = admitText(`${own}.fileServer.id`, server.fileServer?.id ?? "");
    const found = resolveOrNone(world, workspace, id);
    if (found === undefined) refuse(`${own}.fileServer.id`, `there is no ${shown(id)}`);
    refuseDeleting(world, found.workspace);
    if (found.managed?.state === "deleting") refuse(`${own}.fileServer.id`, `${shown(id)} is being deleted`);
    admitMountOptions(`${own}.mountOptions`, server.mountOptions);
    admitClean(`${own}.sourceDirectory`, server.sourceDirectory, pathMax);
    if (server.sourceDirectory.split("/").includes("..")) refuse(`${own}.sourceDirectory`, `leads out by ".."`);
  });
  unmanagedFileSystems.forEach((system, at) => {
    admitText(`${path}.unmanagedFileSystems[${at}].mountCommand`, system.mountCommand);
  });
  admitMountPaths(path, volumes);
  return {
    ...volumes,
    azureFileShares: azureFileShares.map((share) => ({
      ...share,
      fileMode: share.fileMode || "0777",
      directoryMode: share.directoryMode || "0777",
    })),
  };
}

function admitSource(
  path: string,
  noun: "share" | "container",
  world: World,
  source: AzureSource,
  credentials: AzureStorageCredentials | undefined,
): void {
  // Lines of a file for the mount program: a key with an end of line in it would be another setting.
  if (/\p{Cc}/u.test(keyOf(credentials))) refuse(`${path}.credentials.accountKey`, "holds a control character");
  if (mapped(world, source)) return;
  if (keyOf(credentials) === "") unsupported(path, unmappedAdvice(noun, source));
  if (!/^[-\w.]{1,255}$/.test(source.account)) {
    refuse(`${path}.accountName`, `"${shown(source.account)}" is not a storage account's name`);
  }
}

function admitMode(path: string, mode: string): void {
  if (mode !== "" && !/^[0-7]{3,4}$/.test(mode)) refuse(path, `"${shown(mode)}" is not a mode such as 0777`);
}

function admitMountPaths(path: string, volumes: MountVolumes): void {
  const { azureFileShares, azureBlobFileSystems, fileServers, unmanagedFileSystems } = volumes;
  const kinds = { azureFileShares, azureBlobFileSystems, fileServers, unmanagedFileSystems };
  const all: string[] = [];
  for (const [kind, items] of Object.entries(kinds)) {
    items.forEach(({ relativeMountPath }, at) => {
      all.push(admitMountPath(`${path}.${kind}[${at}].relativeMountPath`, relativeMountPath));
    });
  }
  admitUnique(`${path} relativeMountPath`, all, (mountPath) => mountPath);
}

function admitMountPath(path: string, given: string): string {
  const text = withoutLastSlashes(admitPathText(path, given));
  const words = text.split("/");
  if (text.startsWith("/") || text === "") refuse(path, `"${shown(given)}" must be relative to the mount root`);
  if (words.some((word) => word === ".." || word === "." || word === "")) {
    refuse(path, `"${shown(given)}" must hold neither "." nor ".." nor an empty part`);
  }
  return text;
}

/** Handed to `mount -o` as one word. */
function admitMountOptions(path: string, options: string): void {
  admitClean(path, options, pathMax);
  if (/[\n\r]/.test(options)) refuse(path, "must be one line");
}

function resolveOrNone(world: World, workspace: Workspace, id: string) {
  try {
    return resolveFileServer(world, workspace, id);
  } catch {
    return undefined;
  }
}
