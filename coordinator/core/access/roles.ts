import { Fault } from "../../../shared/fault.js";
import type { UserId } from "../../../shared/ids.js";
import { refuse, shown } from "../admission/fields.js";
import { refuseDeleting } from "../deleting.js";
import type { Draft } from "../draft.js";
import { findWorkspace, idOfWorkspace } from "../names.js";
import type { Workspace } from "../state.js";
import type { AccessRequest } from "./events.js";
import { findUser } from "./names.js";
import { assignmentKey, type Role, roles } from "./user.js";

type Request<K extends AccessRequest["kind"]> = Extract<AccessRequest, { kind: K }>;

/** In place of the role that the user has there. */
export function grantRole(draft: Draft, event: Request<"role-grant">): UserId {
  const user = findUser(draft.world, event.user);
  const asked = event.role.toLowerCase();
  if (event.workspace === "") {
    if (asked !== "administrator") {
      refuse("role", `"${shown(event.role)}" is a role in a workspace: name one; the lab has the role administrator`);
    }
    draft.put("user", { ...user, administrator: true });
    return user.uuid;
  }
  const workspace = findWorkspace(draft.world, event.workspace);
  refuseDeleting(draft.world, workspace.uuid);
  const role = roles.find((each) => each === asked);
  if (role === undefined) refuse("role", `"${shown(event.role)}" is none of ${roles.join(", ")}`);
  put(draft, user.uuid, workspace, role);
  return user.uuid;
}

function put(draft: Draft, user: UserId, { uuid: workspace }: Workspace, role: Role): void {
  draft.put("role-assignment", { user, workspace, role, grantedAt: draft.now });
}

export function revokeRole(draft: Draft, event: Request<"role-revoke">): UserId {
  const user = findUser(draft.world, event.user);
  if (event.workspace === "") {
    if (!user.administrator) throw none(user.name, "the lab");
    draft.put("user", { ...user, administrator: false });
    return user.uuid;
  }
  const workspace = findWorkspace(draft.world, event.workspace);
  const key = assignmentKey(user.uuid, workspace.uuid);
  if (!draft.world.access.roleAssignments.has(key)) throw none(user.name, idOfWorkspace(workspace));
  draft.delete("role-assignment", key);
  return user.uuid;
}

const none = (user: string, where: string) =>
  new Fault("not-found", `${user} was granted no role in ${where}; \`stoker role list\` shows all`);

/** It goes: so does what users may do in it. */
export function dropRoles(draft: Draft, workspace: Workspace): void {
  for (const { user, workspace: where } of [...draft.world.access.roleAssignments.values()]) {
    if (where === workspace.uuid) draft.delete("role-assignment", assignmentKey(user, where));
  }
}
