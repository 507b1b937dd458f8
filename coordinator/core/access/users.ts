import { Fault } from "../../../shared/fault.js";
import type { UserId } from "../../../shared/ids.js";
import { admitClean, refuse } from "../admission/fields.js";
import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import { disabled } from "./caller.js";
import type { AccessRequest, SubjectSignIn, UserCreate } from "./events.js";
import { admitUserName, findUser } from "./names.js";
import { revokeAll } from "./tokens.js";
import { assignmentKey, type User } from "./user.js";

type Request<K extends AccessRequest["kind"]> = Extract<AccessRequest, { kind: K }>;

/** Enough for any lab, and all are in memory. */
const usersMax = 100_000;

export function createUser(draft: Draft, event: UserCreate): UserId {
  const name = admitUserName("name", event.name);
  refuseTaken(draft.world, name);
  const { uuid, passwordHash, subject } = event;
  const other = subject && userOfSubject(draft.world, subject);
  if (other) throw new Fault("already-exists", `subject: user ${other.name} is that subject of the identity provider`);
  draft.put("user", {
    ...{ uuid, name, displayName: admitDisplayName(event.displayName), createdAt: draft.now, administrator: false },
    ...(passwordHash === undefined ? {} : { passwordHash }),
    ...(subject === undefined ? {} : { subject }),
  });
  return uuid;
}

/** The user that the identity provider speaks of: one who was not known is made, without any role. */
export function signInSubject(draft: Draft, event: SubjectSignIn): UserId {
  const { subject, groups } = event;
  const known = userOfSubject(draft.world, subject);
  if (known?.disabledSince !== undefined) throw disabled(known);
  if (!known) {
    const { uuid, name, displayName } = event;
    createUser(draft, { kind: "user-create", uuid, name, displayName, subject });
  }
  const user = draft.world.access.users.get(known?.uuid ?? event.uuid);
  if (!user) throw new Fault("not-found", "the user is gone");
  const before = user.groups ?? [];
  const same = before.length === groups.length && before.every((group, at) => group === groups[at]);
  if (!same) draft.put("user", { ...user, groups: [...groups] });
  return user.uuid;
}

export function updateUser(draft: Draft, event: Request<"user-update">): UserId {
  const user = findUser(draft.world, event.id);
  const { disabledSince, ...enabled } = user;
  const isDisabled = event.disabled ?? disabledSince !== undefined;
  const displayName = event.displayName === undefined ? user.displayName : admitDisplayName(event.displayName);
  const since = isDisabled ? { disabledSince: disabledSince ?? draft.now } : {};
  draft.put("user", { ...enabled, displayName, ...since });
  return user.uuid;
}

export function setPassword(draft: Draft, { id, hash }: Request<"user-password">): UserId {
  const user = findUser(draft.world, id);
  const { passwordHash: _, ...without } = user;
  draft.put("user", hash === undefined ? without : { ...without, passwordHash: hash });
  return user.uuid;
}

/** What the user could do ends now; what the user has submitted stays, with the name. */
export function deleteUser(draft: Draft, id: string): UserId {
  const user = findUser(draft.world, id);
  revokeAll(draft, user);
  for (const assignment of [...draft.world.access.roleAssignments.values()]) {
    if (assignment.user === user.uuid) draft.delete("role-assignment", assignmentKey(user.uuid, assignment.workspace));
  }
  draft.delete("user", user.uuid);
  return user.uuid;
}

const userOfSubject = (world: World, { issuer, subject }: NonNullable<User["subject"]>): User | undefined => {
  const uuid = world.access.userBySubject.get(`${issuer} ${subject}`);
  return uuid && world.access.users.get(uuid);
};

function refuseTaken(world: World, name: string): void {
  if (world.access.userByName.has(name)) {
    const advice = "an administrator can choose another name with `stoker user create`";
    throw new Fault("already-exists", `the user ${name} exists already; ${advice}`);
  }
  if ([...world.access.users.keys()].length >= usersMax) {
    throw new Fault("resource-exhausted", `there are ${usersMax} users already: delete some first`);
  }
}

function admitDisplayName(given: string): string {
  const name = admitClean("display_name", given, 256);
  if (/\p{Cc}/u.test(name)) refuse("display_name", "holds control characters");
  return name;
}
