import type { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findWorkspace } from "../../core/names.js";
import type { ApiPorts } from "../ports.js";
import { workspaceView } from "../views/resources.js";

export function getWorkspace(ports: ApiPorts): Handlers<typeof WorkspaceService>["getWorkspace"] {
  return (request) => {
    const row = findWorkspace(ports.state(), request.id);
    return { workspace: workspaceView(row) };
  };
}
