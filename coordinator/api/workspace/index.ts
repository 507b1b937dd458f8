import type { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { createWorkspace } from "./create-workspace.js";
import { deleteWorkspace } from "./delete-workspace.js";
import { getWorkspace } from "./get-workspace.js";
import { listUsages } from "./list-usages.js";
import { listWorkspaces } from "./list-workspaces.js";
import { setWorkspaceQuota } from "./set-workspace-quota.js";
import { updateWorkspace } from "./update-workspace.js";

export const workspaceHandlers = (ports: ApiPorts): Handlers<typeof WorkspaceService> => ({
  createWorkspace: createWorkspace(ports),
  getWorkspace: getWorkspace(ports),
  listWorkspaces: listWorkspaces(ports),
  deleteWorkspace: deleteWorkspace(ports),
  updateWorkspace: updateWorkspace(ports),
  setWorkspaceQuota: setWorkspaceQuota(ports),
  listUsages: listUsages(ports),
});
