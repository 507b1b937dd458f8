import type { RoleService } from "../../../shared/gen/stoker/v1/role_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { rolesOfUser } from "../views/user.js";

export function grantRole(ports: ApiPorts): Handlers<typeof RoleService>["grantRole"] {
  return async ({ user, workspace, role }, context) => {
    const subject = await ports.ask({ kind: "role-grant", user, workspace, role }, context);
    const state = ports.state();
    const row = made(state.access.users, subject);
    const granted = rolesOfUser(state, row).filter(({ group }) => !group);
    const found = granted.find(({ workspaceId }) => (workspaceId ?? "") === workspace);
    return found ? { role: found } : {};
  };
}
