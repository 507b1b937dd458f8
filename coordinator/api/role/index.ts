import type { RoleService } from "../../../shared/gen/stoker/v1/role_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { grantRole } from "./grant-role.js";
import { listRoles } from "./list-roles.js";
import { revokeRole } from "./revoke-role.js";

export const roleHandlers = (ports: ApiPorts): Handlers<typeof RoleService> => ({
  grantRole: grantRole(ports),
  revokeRole: revokeRole(ports),
  listRoles: listRoles(ports),
});
