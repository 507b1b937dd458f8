import type { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { workspaceView } from "../views/resources.js";

export function setWorkspaceQuota(ports: ApiPorts): Handlers<typeof WorkspaceService>["setWorkspaceQuota"] {
  return async ({ id, quota }, context) => {
    const { clusters, nodes, gpus, runningJobs } = quota ?? {};
    const given = Object.entries({ clusters, nodes, gpus, runningJobs }).filter(([, limit]) => limit !== undefined);
    const subject = await ports.ask({ kind: "workspace-quota", id, quota: Object.fromEntries(given) }, context);
    return { workspace: workspaceView(made(ports.state().workspaces, subject)) };
  };
}
