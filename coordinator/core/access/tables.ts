import type { TokenId, UserId } from "../../../shared/ids.js";
import { Overlay, type TableOf } from "../overlay.js";
import type { ApiToken, RoleAssignment, User } from "./user.js";

/** Users and what they hold, with the indexes that make a check of them one look. Written to by apply.ts alone. */
export interface AccessTables {
  readonly users: TableOf<UserId, User>;
  readonly apiTokens: TableOf<TokenId, ApiToken>;
  /** By assignmentKey. */
  readonly roleAssignments: TableOf<string, RoleAssignment>;
  readonly userByName: TableOf<string, UserId>;
  /** By `<issuer> <subject>`. */
  readonly userBySubject: TableOf<string, UserId>;
  /** By `<uuid of the user> <name>`. */
  readonly tokenByName: TableOf<string, TokenId>;
  /** By what they hash to; without certificates. */
  readonly tokenByHash: TableOf<string, TokenId>;
  /** Number of the next entry of the audit log. */
  readonly next: { auditEntry: number };
}

export const emptyAccess = (): AccessTables => ({
  users: new Map(),
  apiTokens: new Map(),
  roleAssignments: new Map(),
  userByName: new Map(),
  userBySubject: new Map(),
  tokenByName: new Map(),
  tokenByHash: new Map(),
  next: { auditEntry: 1 },
});

export const forkAccess = (tables: AccessTables): AccessTables => ({
  users: new Overlay(tables.users),
  apiTokens: new Overlay(tables.apiTokens),
  roleAssignments: new Overlay(tables.roleAssignments),
  userByName: new Overlay(tables.userByName),
  userBySubject: new Overlay(tables.userBySubject),
  tokenByName: new Overlay(tables.tokenByName),
  tokenByHash: new Overlay(tables.tokenByHash),
  next: { ...tables.next },
});
