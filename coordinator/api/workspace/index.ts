import type { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { createWorkspace } from "./create-workspace.js";
import { deleteWorkspace } from "./delete-workspace.js";
import { getWorkspace } from "./get-workspace.js";
import { listWorkspaces } from "./list-workspaces.js";

export const workspaceHandlers = (ports: ApiPorts): Handlers<typeof WorkspaceService> => ({
  createWorkspace: createWorkspace(ports),
  getWorkspace: getWorkspace(ports),
  listWorkspaces: listWorkspaces(ports),
  deleteWorkspace: deleteWorkspace(ports),
});
