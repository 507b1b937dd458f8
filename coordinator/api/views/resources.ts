import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ExperimentSchema } from "../../../shared/gen/stoker/v1/experiment_pb.js";
import type { StorageMappingSchema } from "../../../shared/gen/stoker/v1/storage_pb.js";
import type { WorkspaceSchema } from "../../../shared/gen/stoker/v1/workspace_pb.js";
import type { State } from "../../core/memory.js";
import { idOfExperiment, idOfFileServer, idOfWorkspace } from "../../core/names.js";
import type { Experiment, StorageMapping, Workspace } from "../../core/state.js";
import { provisioning } from "./provisioning.js";

export const workspaceView = (row: Workspace): MessageInitShape<typeof WorkspaceSchema> => ({
  id: idOfWorkspace(row),
  name: row.name,
  tags: { ...row.tags },
  creationTime: timestampFromMs(row.createdAt),
  ...provisioning(row.createdAt, row.deletingSince),
  location: row.location,
  ...(row.quota ? { quota: { ...row.quota } } : {}),
});

export const experimentView = (state: State, row: Experiment): MessageInitShape<typeof ExperimentSchema> => ({
  id: idOfExperiment(state, row),
  name: row.name,
  creationTime: timestampFromMs(row.createdAt),
  ...provisioning(row.createdAt, row.deleting ? (row.deletingSince ?? row.createdAt) : undefined),
});

export function storageMappingView(
  state: State,
  { source, fileServer, path, createdAt }: StorageMapping,
): MessageInitShape<typeof StorageMappingSchema> {
  const server = state.fileServers.get(fileServer);
  const fileServerId = server ? idOfFileServer(state, server) : "";
  return { source, fileServerId, path, creationTime: timestampFromMs(createdAt) };
}
