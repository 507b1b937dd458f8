import { ApiTokenSchema, RoleAssignmentSchema, type User, UserSchema } from "../../../shared/gen/stoker/v1/user_pb.js";
import { leafOf } from "../../ids.js";
import type { Detail } from "../table.js";
import { shortTime } from "../time.js";
import { view } from "./view.js";

function signsIn({ hasPassword, issuer }: User): string {
  const ways = [...(hasPassword ? ["password"] : []), ...(issuer === "" ? [] : [issuer])];
  return ways.join(", ") || "tokens and certificates alone";
}

export const user = view({
  schema: UserSchema,
  columns: [
    ["Name", ({ name }) => name],
    ["Display name", ({ displayName }) => displayName],
    ["Signs in by", signsIn],
    ["Administrator", ({ roles }) => (roles.some(({ role }) => role === "administrator") ? "yes" : "no")],
    ["State", ({ disabledTime }) => (disabledTime ? "disabled" : "enabled")],
    ["Created", ({ creationTime }) => shortTime(creationTime)],
  ],
  more: ({ subject, groups, roles, disabledTime }) => [
    ...(subject === "" ? [] : [["Subject", subject] satisfies Detail]),
    ...(groups.length === 0 ? [] : [["Groups", groups.join(", ")] satisfies Detail]),
    ...(disabledTime ? [["Disabled", shortTime(disabledTime)] satisfies Detail] : []),
    ...roles.map((each): Detail => ["Role", roleText(each)]),
  ],
});

const roleText = ({ role, workspaceId, group }: User["roles"][number]) =>
  `${role} of ${workspaceId === "" ? "the lab" : leafOf(workspaceId)}${group === "" ? "" : `, by group ${group}`}`;

export const apiToken = view({
  schema: ApiTokenSchema,
  columns: [
    ["Name", ({ name }) => name],
    ["Kind", ({ kind }) => kind || "token"],
    ["Created", ({ creationTime }) => shortTime(creationTime)],
    ["Expires", ({ expiryTime }) => (expiryTime ? shortTime(expiryTime) : "never")],
    ["Certificate until", ({ certificateExpiryTime }) => shortTime(certificateExpiryTime)],
    ["Last used", ({ lastUseTime }) => (lastUseTime ? shortTime(lastUseTime) : "not yet")],
  ],
});

export const roleAssignment = view({
  schema: RoleAssignmentSchema,
  columns: [
    ["User", ({ name }) => name],
    ["Role", ({ role }) => role],
    ["Workspace", ({ workspaceId }) => (workspaceId === "" ? "(the lab)" : leafOf(workspaceId))],
    ["Granted", ({ grantTime }) => shortTime(grantTime)],
    ["By group", ({ group }) => group],
  ],
});
