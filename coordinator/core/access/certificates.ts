import { Fault } from "../../../shared/fault.js";
import type { TokenId } from "../../../shared/ids.js";
import type { Draft } from "../draft.js";
import type { World } from "../memory.js";
import type { Instant } from "../state.js";
import { another } from "./caller.js";
import type { CertificateRenew } from "./events.js";
import type { ApiToken } from "./user.js";

/** How long a certificate that is made now is good: no longer than what it stands for. */
export const certifiedUntil = (now: Instant, lifeMs: number, expiresAt: Instant | undefined): Instant =>
  Math.min(now + lifeMs, expiresAt ?? Number.POSITIVE_INFINITY);

/** What is renewed, if that may be: for the key that it has. */
export function renewable(world: World, uuid: TokenId | undefined, hash: string): ApiToken {
  const row = uuid && world.access.apiTokens.get(uuid);
  if (!row) throw new Fault("unauthenticated", `the certificate was revoked: ${another.certificate}`);
  if (row.kind !== "certificate" || row.hash !== hash) {
    throw new Fault(
      "permission-denied",
      "a certificate is renewed for the key that it has, by a call that shows it: for another key, `stoker certificate sign` makes another",
    );
  }
  return row;
}

export function renewCertificate(draft: Draft, { uuid, hash, certifiedUntil }: CertificateRenew): TokenId {
  draft.put("api-token", { ...renewable(draft.world, uuid, hash), certifiedUntil });
  return uuid;
}
