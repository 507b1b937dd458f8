import type { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { workspaceView } from "../views/resources.js";

export function updateWorkspace(ports: ApiPorts): Handlers<typeof WorkspaceService>["updateWorkspace"] {
  return async ({ id, tags, keepOthers, removedTags }, context) => {
    const subject = await ports.ask({ kind: "workspace-update", id, tags, keepOthers, removed: removedTags }, context);
    return { workspace: workspaceView(made(ports.state().workspaces, subject)) };
  };
}
