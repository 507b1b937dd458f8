import { Fault } from "../../../shared/fault.js";
import { admitClean, pathMax, refuse, shown } from "../admission/fields.js";
import { refuseDeleting } from "../deleting.js";
import type { Draft } from "../draft.js";
import type { ApiEvent } from "../events.js";
import { findFileServer } from "../names.js";
import { orderPreparation } from "../preparation/order.js";
import { refuseMarked } from "../secrets/reference.js";
import { withoutOuterSlashes } from "../slashes.js";

type StorageMap = Extract<ApiEvent, { kind: "storage-map" }>;

/** In place of the mapping that the source has. What clusters have mounted follows; running attempts keep what they have. */
export function mapStorage(draft: Draft, event: StorageMap): string {
  const source = admitSource(event.source);
  const server = findFileServer(draft.world, event.fileServer);
  refuseDeleting(draft.world, server.workspace);
  if (server.managed?.state === "deleting") refuse("fileServer", `${server.name} is being deleted`);
  refuseMarked("path", event.path);
  const path = admitPath(event.path);
  draft.put("storage-mapping", { source, fileServer: server.uuid, path, createdAt: draft.now });
  mountAnew(draft);
  return source;
}

export function unmapStorage(draft: Draft, given: string): string {
  const source = admitSource(given);
  if (!draft.world.storageMappings.has(source)) {
    throw new Fault("not-found", `there is no mapping of ${source}; \`stoker storage list\` shows them`);
  }
  draft.delete("storage-mapping", source);
  mountAnew(draft);
  return source;
}

function admitSource(given: string): string {
  const source = admitClean("source", given).trim().toLowerCase();
  if (!/^[^/\s]{1,100}\/[^/\s]{1,255}$/.test(source)) {
    refuse("source", `"${shown(given)}" is not ACCOUNT/SHARE or ACCOUNT/CONTAINER, where * stands for any`);
  }
  return source;
}

function admitPath(given: string): string {
  const path = withoutOuterSlashes(admitClean("path", given, pathMax));
  if (path.split("/").includes("..")) refuse("path", `"${shown(given)}" leads out by ".."`);
  return path;
}

function mountAnew(draft: Draft): void {
  for (const node of draft.world.nodes.values()) {
    const cluster = node.cluster && draft.world.clusters.get(node.cluster);
    const volumes = cluster ? cluster.spec.nodeSetup?.mountVolumes : undefined;
    if (volumes && volumes.azureFileShares.length + volumes.azureBlobFileSystems.length > 0)
      orderPreparation(draft, node);
  }
}
