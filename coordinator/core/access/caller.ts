import { Fault } from "../../../shared/fault.js";
import type { TokenId, UserId } from "../../../shared/ids.js";
import type { World } from "../memory.js";
import type { Instant, Workspace } from "../state.js";
import { assignmentKey, type Role, roles, type User } from "./user.js";

/** Somebody who has shown who they are, for one call. */
export interface UserCaller {
  readonly kind: "user";
  readonly name: string;
  /** Comes with the coordinator's own token, and may do everything. */
  readonly isBootstrap?: true;
  /** Absent of that one. */
  readonly user?: UserId;
  /** By which token or certificate of theirs. Absent of that one. */
  readonly token?: TokenId;
  /** Of the certificate that the connection has shown: an earlier one than the latest may. */
  readonly certificateEndsAt?: Instant;
}

/** The user behind the call; undefined also of one who has gone or been shut out meanwhile. */
function userOf(world: World, caller: UserCaller): User | undefined {
  const user = caller.user && world.access.users.get(caller.user);
  return user && user.disabledSince === undefined ? user : undefined;
}

export function isAdministrator(world: World, caller: UserCaller): boolean {
  if (caller.isBootstrap) return true;
  const user = userOf(world, caller);
  return user !== undefined && (user.administrator || groupRolesOf(world, user).includes("administrator"));
}

/** What they may do in the workspace; undefined: nothing. Administrators are owners everywhere. */
export function roleIn(world: World, caller: UserCaller, workspace: Workspace): Role | undefined {
  if (isAdministrator(world, caller)) return "owner";
  const user = userOf(world, caller);
  if (!user) return undefined;
  const granted = world.access.roleAssignments.get(assignmentKey(user.uuid, workspace.uuid))?.role;
  const all = [granted, ...groupRolesOf(world, user, workspace.name)];
  return roles.findLast((role) => all.includes(role));
}

export const reaches = (role: Role | undefined, needed: Role) =>
  role !== undefined && roles.indexOf(role) >= roles.indexOf(needed);

export const mayRead = (world: World, caller: UserCaller, workspace: Workspace | undefined) =>
  workspace !== undefined && roleIn(world, caller, workspace) !== undefined;

function groupRolesOf({ settings }: World, user: User, workspace?: string): Array<Role | "administrator"> {
  return (user.groups ?? []).flatMap((group) => {
    const given = settings.groupRoles?.[group];
    if (given === undefined) return [];
    const applies = given.role === "administrator" ? workspace === undefined : given.workspace === workspace;
    return applies ? [given.role] : [];
  });
}

/** Throws `unauthenticated` when what the caller has shown counts no more. */
export function refuseFallen(world: World, caller: UserCaller, now: Instant): void {
  if (caller.isBootstrap) return;
  const user = caller.user && world.access.users.get(caller.user);
  if (!user) throw new Fault("unauthenticated", `user ${caller.name} was deleted`);
  if (user.disabledSince !== undefined) throw disabled(user);
  if (caller.token === undefined) return;
  const token = world.access.apiTokens.get(caller.token);
  const kind = caller.certificateEndsAt === undefined ? "token" : "certificate";
  if (!token) throw new Fault("unauthenticated", `the ${kind} of ${user.name} was revoked: ${another[kind]}`);
  const endsAt = Math.min(
    token.expiresAt ?? Number.POSITIVE_INFINITY,
    caller.certificateEndsAt ?? Number.POSITIVE_INFINITY,
  );
  if (endsAt <= now) {
    throw new Fault("unauthenticated", `the ${kind} ${token.name} of ${user.name} has expired: ${another[kind]}`);
  }
}

/** What to do without one. */
export const another = {
  token: "`stoker login` gets another",
  certificate:
    "`stoker login --certificate` gets another; for a program, its user or an administrator runs `stoker certificate sign`",
} as const;

export const disabled = (user: User) =>
  new Fault("unauthenticated", `user ${user.name} is disabled: an administrator can enable the account again`);
