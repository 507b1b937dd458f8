import type { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { sightOf } from "../sight.js";
import { workspaceView } from "../views/resources.js";

export function listWorkspaces(ports: ApiPorts): Handlers<typeof WorkspaceService>["listWorkspaces"] {
  return (request, context) => {
    const state = ports.state();
    const sight = sightOf(state, context);
    const readable = [...state.workspaces.values()].filter(({ uuid }) => sight.workspace(uuid));
    const page = pageByName("workspaces", readable, request);
    return { workspaces: page.items.map(workspaceView), nextPageToken: page.nextPageToken };
  };
}
