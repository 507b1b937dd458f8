import { Fault } from "../../../shared/fault.js";
import type { Draft } from "../draft.js";
import type { Instant } from "../state.js";
import type { IdentityEvent, NodeJoin } from "./events.js";
import type { JoinToken } from "./identity.js";

type TokenCreate = Extract<IdentityEvent, { kind: "join-token-create" }>;

/** As many machines as a lab has. */
const usesMax = 10_000;
/** A month: one that is older is forgotten by somebody. */
const lifeMaxMs = 31 * 86_400_000;
/** What is over is still listed for so long. */
const rememberedMs = 7 * 86_400_000;

export function createJoinToken(draft: Draft, event: TokenCreate): string {
  const { uuid, hash, uses, expiresAt, replaces, createdBy } = event;
  if (uses < 1 || uses > usesMax) {
    throw new Fault("invalid-argument", `uses: expected 1 to ${usesMax}, found ${uses}`);
  }
  const lifeMs = expiresAt - draft.now;
  if (!(lifeMs > 0 && lifeMs <= lifeMaxMs)) {
    throw new Fault("invalid-argument", "expires: a joining token lives for some time, and for 31 days at most");
  }
  for (const old of [...draft.world.joinTokens.values()]) {
    if (draft.now - old.expiresAt > rememberedMs) draft.delete("join-token", old.uuid);
  }
  draft.put("join-token", { uuid, hash, createdAt: draft.now, expiresAt, uses, used: 0, replaces, createdBy });
  return uuid;
}

export function revokeJoinToken(draft: Draft, uuid: string): string {
  const token = draft.world.joinTokens.get(uuid);
  if (!token) throw new Fault("not-found", `there is no joining token ${uuid}: see stoker node token list`);
  if (token.revokedAt === undefined) draft.put("join-token", { ...token, revokedAt: draft.now });
  return uuid;
}

/** The same words for all that is wrong with a token whose secret is not known: nothing is told to who guesses. */
const unknown = "the joining token is not one of this coordinator: make one with `stoker node token create`";

/** The token, if it lets one more machine join now; throws a Fault. */
export function usableToken(
  tokens: { get(uuid: string): JoinToken | undefined },
  { token: uuid, hash }: Pick<NodeJoin, "token" | "hash">,
  now: Instant,
): JoinToken {
  const token = tokens.get(uuid);
  if (!token || token.hash !== hash) throw new Fault("unauthenticated", unknown);
  const refuse = (why: string) =>
    new Fault("unauthenticated", `the joining token ${why}: make another with \`stoker node token create\``);
  if (token.revokedAt !== undefined) throw refuse("was revoked");
  if (now >= token.expiresAt) throw refuse("has expired");
  if (token.used >= token.uses) throw refuse("was used as often as it may be");
  return token;
}
