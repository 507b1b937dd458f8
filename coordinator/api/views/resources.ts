import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ExperimentSchema } from "../../../shared/gen/stoker/v1/experiment_pb.js";
import type { FileServerSchema } from "../../../shared/gen/stoker/v1/file_server_pb.js";
import { ProvisioningState } from "../../../shared/gen/stoker/v1/provisioning_pb.js";
import type { StorageMappingSchema } from "../../../shared/gen/stoker/v1/storage_pb.js";
import type { WorkspaceSchema } from "../../../shared/gen/stoker/v1/workspace_pb.js";
import type { State } from "../../core/memory.js";
import { idOfExperiment, idOfFileServer, idOfWorkspace } from "../../core/names.js";
import type { Experiment, FileServer, StorageMapping, Workspace } from "../../core/state.js";
import { shownFileServerSpec } from "./secrets.js";

export const workspaceView = (row: Workspace): MessageInitShape<typeof WorkspaceSchema> => ({
  id: idOfWorkspace(row),
  name: row.name,
  tags: { ...row.tags },
  creationTime: timestampFromMs(row.createdAt),
  provisioningState: ProvisioningState.SUCCEEDED,
  location: row.location,
});

export const experimentView = (state: State, row: Experiment): MessageInitShape<typeof ExperimentSchema> => ({
  id: idOfExperiment(state, row),
  name: row.name,
  creationTime: timestampFromMs(row.createdAt),
  provisioningState: row.deleting ? ProvisioningState.DELETING : ProvisioningState.SUCCEEDED,
});

export function storageMappingView(
  state: State,
  { source, fileServer, path, createdAt }: StorageMapping,
): MessageInitShape<typeof StorageMappingSchema> {
  const server = state.fileServers.get(fileServer);
  const fileServerId = server ? idOfFileServer(state, server) : "";
  return { source, fileServerId, path, creationTime: timestampFromMs(createdAt) };
}

export const fileServerView = (state: State, row: FileServer): MessageInitShape<typeof FileServerSchema> => ({
  id: idOfFileServer(state, row),
  name: row.name,
  spec: shownFileServerSpec(row.spec),
  creationTime: timestampFromMs(row.createdAt),
  provisioningState: ProvisioningState.SUCCEEDED,
  mountSettings: {
    mountPoint: row.spec.existing?.export ?? "",
    fileServerInternalIp: row.spec.existing?.host ?? "",
  },
});
