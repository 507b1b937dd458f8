import type { RoleService } from "../../../shared/gen/stoker/v1/role_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function revokeRole(ports: ApiPorts): Handlers<typeof RoleService>["revokeRole"] {
  return async ({ user, workspace }, context) => {
    await ports.ask({ kind: "role-revoke", user, workspace }, context);
    return {};
  };
}
