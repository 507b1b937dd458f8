import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ApiTokenSchema, RoleAssignmentSchema, UserSchema } from "../../../shared/gen/stoker/v1/user_pb.js";
import { idOfUser } from "../../core/access/names.js";
import type { ApiToken, GroupRole, RoleAssignment, User } from "../../core/access/user.js";
import type { State } from "../../core/memory.js";
import { idOfWorkspace } from "../../core/names.js";

type UserView = MessageInitShape<typeof UserSchema>;
type RoleView = MessageInitShape<typeof RoleAssignmentSchema>;

export function userView(state: State, row: User): UserView {
  return {
    id: idOfUser(row),
    name: row.name,
    displayName: row.displayName,
    creationTime: timestampFromMs(row.createdAt),
    administrator: row.administrator,
    hasPassword: row.passwordHash !== undefined,
    ...(row.subject ?? {}),
    groups: [...(row.groups ?? [])].filter((group) => state.settings.groupRoles?.[group] !== undefined),
    ...(row.disabledSince === undefined ? {} : { disabledTime: timestampFromMs(row.disabledSince) }),
    roles: rolesOfUser(state, row),
  };
}

export const tokenView = (user: User, row: ApiToken): MessageInitShape<typeof ApiTokenSchema> => ({
  id: `${idOfUser(user)}/tokens/${row.name}`,
  name: row.name,
  kind: row.kind,
  creationTime: timestampFromMs(row.createdAt),
  ...(row.certifiedUntil === undefined ? {} : { certificateExpiryTime: timestampFromMs(row.certifiedUntil) }),
  ...(row.expiresAt === undefined ? {} : { expiryTime: timestampFromMs(row.expiresAt) }),
  ...(row.usedAt === undefined ? {} : { lastUseTime: timestampFromMs(row.usedAt) }),
});

/** Granted ones, and those that groups give. */
export function rolesOfUser(state: State, user: User): RoleView[] {
  const granted = [...state.access.roleAssignments.values()].filter((row) => row.user === user.uuid);
  const ofLab = user.administrator ? [{ id: user.name, name: user.name, role: "administrator" }] : [];
  return [...ofLab, ...granted.map((row) => assignmentView(state, user, row)), ...ofGroups(state, user)].sort(byId);
}

function assignmentView(state: State, user: User, row: RoleAssignment): RoleView {
  const workspace = state.workspaces.get(row.workspace);
  const workspaceId = workspace ? idOfWorkspace(workspace) : "";
  return {
    id: `${user.name} ${workspaceId}`,
    name: user.name,
    role: row.role,
    workspaceId,
    grantTime: timestampFromMs(row.grantedAt),
  };
}

function ofGroups({ settings }: State, user: User): RoleView[] {
  return (user.groups ?? []).flatMap((group) => {
    const given: GroupRole | undefined = settings.groupRoles?.[group];
    if (!given) return [];
    const workspaceId = given.role === "administrator" ? "" : `workspaces/${given.workspace}`;
    return [{ id: `${user.name} ${workspaceId} ${group}`, name: user.name, role: given.role, workspaceId, group }];
  });
}

const byId = (a: RoleView, b: RoleView) => ((a.id ?? "") < (b.id ?? "") ? -1 : 1);
