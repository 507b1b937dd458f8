import type { RoleService } from "../../../shared/gen/stoker/v1/role_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findWorkspace, idOfWorkspace } from "../../core/names.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { rolesOfUser } from "../views/user.js";

export function listRoles(ports: ApiPorts): Handlers<typeof RoleService>["listRoles"] {
  return (request) => {
    const state = ports.state();
    const only = request.workspace === "" ? undefined : idOfWorkspace(findWorkspace(state, request.workspace));
    const all = [...state.access.users.values()].flatMap((user) => rolesOfUser(state, user));
    const wanted = all.filter(({ workspaceId }) => only === undefined || workspaceId === only);
    // By their ids, which are unique where names are not.
    const items = wanted.map((role) => ({ name: role.id ?? "", role }));
    const page = pageByName("roles", items, request);
    return { roles: page.items.map(({ role }) => role), nextPageToken: page.nextPageToken };
  };
}
