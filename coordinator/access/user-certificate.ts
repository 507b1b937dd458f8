import type { CallerCertificate, UserCaller } from "../../shared/caller.js";
import { userOfUri } from "../../shared/certificates.js";
import { Fault } from "../../shared/fault.js";
import { tokenId } from "../../shared/ids.js";
import { another } from "../core/access/caller.js";
import type { State } from "../core/memory.js";

/**
 * The user whose certificate the connection has shown; undefined when it is none of a user. Throws a Fault when it proves nothing. That our
 * authority has signed it is not enough: the catalog must know it.
 */
export function byCertificate({ access }: State, certificate: CallerCertificate | undefined): UserCaller | undefined {
  if (!certificate) return undefined;
  const { uris, problem, keyHash, endsAt } = certificate;
  const [said] = uris.map(userOfUri).filter((found) => found !== undefined);
  if (!said) return undefined;
  if (problem !== undefined) {
    const why = /EXPIRED/.test(problem) ? "has expired" : `is not of this coordinator's authority (${problem})`;
    throw new Fault("unauthenticated", `the certificate of user ${said.name} ${why}: ${another.certificate}`);
  }
  const row = access.apiTokens.get(tokenId(said.credential));
  const user = row && access.users.get(row.user);
  if (uris.length !== 1 || row?.kind !== "certificate" || row.hash !== keyHash || user?.name !== said.name) {
    throw new Fault(
      "unauthenticated",
      `the certificate of user ${said.name} is not known here, or it was revoked: ${another.certificate}`,
    );
  }
  return { kind: "user", name: user.name, user: user.uuid, token: row.uuid, certificateEndsAt: endsAt };
}
