import type { MountVolumes } from "../../../shared/gen/stoker/v1/mount_pb.js";
import type { World } from "../memory.js";
import { resolveFileServer } from "../names.js";
import { withoutLastSlashes } from "../slashes.js";
import type { Workspace } from "../state.js";
import { admitClean, admitPathText, admitText, admitUnique, pathMax, refuse, shown } from "./fields.js";

/**
 * Volumes of a cluster or job. Azure's shares and containers are accepted as they are, so that real files load; that this release can't
 * mount them comes out when a job is prepared (grant/volumes.ts).
 */
export function admitVolumes(
  path: string,
  volumes: MountVolumes | undefined,
  world: World,
  workspace: Workspace,
): MountVolumes | undefined {
  if (volumes === undefined) return undefined;
  const { azureFileShares, azureBlobFileSystems, fileServers, unmanagedFileSystems } = volumes;
  azureFileShares.forEach((share, at) => {
    admitPathText(`${path}.azureFileShares[${at}].azureFileUrl`, share.azureFileUrl);
  });
  azureBlobFileSystems.forEach((container, at) => {
    admitText(`${path}.azureBlobFileSystems[${at}].containerName`, container.containerName);
    admitMountOptions(`${path}.azureBlobFileSystems[${at}].mountOptions`, container.mountOptions);
  });
  fileServers.forEach((server, at) => {
    const own = `${path}.fileServers[${at}]`;
    const id = admitText(`${own}.fileServer.id`, server.fileServer?.id ?? "");
    if (resolveOrNone(world, workspace, id) === undefined) refuse(`${own}.fileServer.id`, `there is no ${shown(id)}`);
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
