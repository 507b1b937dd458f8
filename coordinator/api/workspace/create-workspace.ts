import { randomUUID } from "node:crypto";
import {
  CreateWorkspaceRequestSchema,
  type WorkspaceService,
} from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { workspaceId } from "../../../shared/ids.js";
import { idempotencyOf, made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { workspaceView } from "../views/resources.js";

export function createWorkspace(ports: ApiPorts): Handlers<typeof WorkspaceService>["createWorkspace"] {
  return async (request, context) => {
    const subject = await ports.ask(
      {
        kind: "workspace-create",
        uuid: workspaceId(randomUUID()),
        name: request.name,
        tags: request.tags,
        location: request.location,
        ...idempotencyOf(CreateWorkspaceRequestSchema, request),
      },
      context,
    );
    const row = made(ports.state().workspaces, subject);
    return { workspace: workspaceView(row) };
  };
}
