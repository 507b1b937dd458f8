import type { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { workspaceView } from "../views/resources.js";

export function listWorkspaces(ports: ApiPorts): Handlers<typeof WorkspaceService>["listWorkspaces"] {
  return (request) => {
    const page = pageByName("workspaces", ports.state().workspaces.values(), request);
    return { workspaces: page.items.map(workspaceView), nextPageToken: page.nextPageToken };
  };
}
