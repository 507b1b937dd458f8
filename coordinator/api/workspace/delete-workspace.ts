import type { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function deleteWorkspace(ports: ApiPorts): Handlers<typeof WorkspaceService>["deleteWorkspace"] {
  return async (request, context) => {
    await ports.ask({ kind: "workspace-delete", id: request.id }, context);
    return {};
  };
}
