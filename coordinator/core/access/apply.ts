import { unreachable } from "../../../shared/assert.js";
import { tokenId, userId } from "../../../shared/ids.js";
import type { RowChange } from "../changes.js";
import type { AccessTables } from "./tables.js";
import { type ApiToken, assignmentKey, type User } from "./user.js";

export type AccessChange = Extract<RowChange, { table: "user" | "api-token" | "role-assignment" | "audit-entry" }>;

export function applyAccess(access: AccessTables, change: AccessChange): void {
  switch (change.table) {
    case "user":
      if (change.kind === "put") putUser(access, change.row);
      else dropUser(access, userId(change.key));
      return;
    case "api-token":
      if (change.kind === "put") putToken(access, change.row);
      else dropToken(access, tokenId(change.key));
      return;
    case "role-assignment":
      if (change.kind === "delete") access.roleAssignments.delete(change.key);
      else access.roleAssignments.set(assignmentKey(change.row.user, change.row.workspace), change.row);
      return;
    // Only counted: nothing is decided by it.
    case "audit-entry":
      if (change.kind === "put") access.next.auditEntry = Math.max(access.next.auditEntry, change.row.entry + 1);
      return;
    default:
      unreachable(change);
  }
}

function putUser(access: AccessTables, row: User): void {
  dropUser(access, row.uuid);
  access.users.set(row.uuid, row);
  access.userByName.set(row.name, row.uuid);
  if (row.subject) access.userBySubject.set(`${row.subject.issuer} ${row.subject.subject}`, row.uuid);
}

function dropUser(access: AccessTables, uuid: User["uuid"]): void {
  const before = access.users.get(uuid);
  if (!before) return;
  access.users.delete(uuid);
  access.userByName.delete(before.name);
  if (before.subject) access.userBySubject.delete(`${before.subject.issuer} ${before.subject.subject}`);
}

function putToken(access: AccessTables, row: ApiToken): void {
  dropToken(access, row.uuid);
  access.apiTokens.set(row.uuid, row);
  if (row.kind === "token") access.tokenByHash.set(row.hash, row.uuid);
  access.tokenByName.set(`${row.user} ${row.name}`, row.uuid);
}

function dropToken(access: AccessTables, uuid: ApiToken["uuid"]): void {
  const before = access.apiTokens.get(uuid);
  if (!before) return;
  access.apiTokens.delete(uuid);
  if (before.kind === "token") access.tokenByHash.delete(before.hash);
  access.tokenByName.delete(`${before.user} ${before.name}`);
}
