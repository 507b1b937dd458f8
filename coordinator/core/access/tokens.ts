import { Fault } from "../../../shared/fault.js";
import type { TokenId } from "../../../shared/ids.js";
import { refuse } from "../admission/fields.js";
import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import type { Instant } from "../state.js";
import { disabled } from "./caller.js";
import type { TokenCreate } from "./events.js";
import { admitTokenName, findToken, findUser } from "./names.js";
import type { ApiToken, User } from "./user.js";

const tokensMax = 1_000;

export function createToken(draft: Draft, event: TokenCreate): TokenId {
  const user = findUser(draft.world, event.user);
  if (user.disabledSince !== undefined) throw disabled(user);
  const asked = admitTokenName("name", event.name);
  const { uuid, hash, expiresAt, certifiedUntil } = event;
  if (expiresAt !== undefined && expiresAt <= draft.now) refuse("expiry_time", "is past");
  dropExpired(draft, user);
  const own = tokensOf(draft.world, user);
  if (own.length >= tokensMax) {
    const advice = "revoke some with `stoker token revoke`";
    throw new Fault("resource-exhausted", `${user.name} has ${tokensMax} tokens and certificates already: ${advice}`);
  }
  const name = event.findsName ? freeName(draft.world, user, asked) : asked;
  if (isTaken(draft.world, user, name)) {
    throw new Fault(
      "already-exists",
      `a token or certificate ${name} of ${user.name} exists already: give another name`,
    );
  }
  draft.put("api-token", {
    ...{ uuid, user: user.uuid, kind: certifiedUntil === undefined ? "token" : "certificate", name, hash },
    createdAt: draft.now,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(certifiedUntil === undefined ? {} : { certifiedUntil }),
  });
  return uuid;
}

export function revokeToken(draft: Draft, id: string, name: string): TokenId {
  const token = findToken(draft.world, findUser(draft.world, id), name);
  draft.delete("api-token", token.uuid);
  return token.uuid;
}

export function revokeAll(draft: Draft, user: User): void {
  for (const { uuid } of tokensOf(draft.world, user)) draft.delete("api-token", uuid);
}

export function noteUses(draft: Draft, uses: ReadonlyArray<{ token: TokenId; at: Instant }>): void {
  for (const { token: uuid, at } of uses) {
    const token = draft.world.access.apiTokens.get(uuid);
    if (token && at > (token.usedAt ?? 0)) draft.put("api-token", { ...token, usedAt: at });
  }
}

export function tokensOf(world: World, user: User): ApiToken[] {
  return [...world.access.apiTokens.values()].filter((token) => token.user === user.uuid);
}

/** A certificate also when nobody has renewed it in time. */
export const hasExpired = ({ expiresAt, certifiedUntil }: ApiToken, now: Instant) =>
  Math.min(expiresAt ?? Number.POSITIVE_INFINITY, certifiedUntil ?? Number.POSITIVE_INFINITY) <= now;

/** Nobody can use them: they make room for others when one is made. */
function dropExpired(draft: Draft, user: User): void {
  for (const token of tokensOf(draft.world, user)) {
    if (hasExpired(token, draft.now)) draft.delete("api-token", token.uuid);
  }
}

const isTaken = (world: World, user: User, name: string) => world.access.tokenByName.has(`${user.uuid} ${name}`);

function freeName(world: World, user: User, asked: string): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? asked : `${asked.slice(0, 58)}-${number}`;
    if (!isTaken(world, user, name)) return name;
  }
}
