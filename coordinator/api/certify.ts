import { randomUUID } from "node:crypto";
import type { CallContext } from "../../shared/grpc.js";
import { tokenId } from "../../shared/ids.js";
import { certifiedUntil } from "../core/access/certificates.js";
import type { TokenCreate } from "../core/access/events.js";
import type { ApiToken, User } from "../core/access/user.js";
import { made } from "./create.js";
import type { ApiPorts } from "./ports.js";

/** A user's first certificate for a key. It is handed out only when what it stands for is on disk. */
export async function certify(
  ports: ApiPorts,
  user: User,
  asked: Pick<TokenCreate, "name" | "expiresAt" | "findsName"> & { request: string },
  context: CallContext,
  target?: string,
): Promise<{ row: ApiToken; certificate: string }> {
  const { request, ...rest } = asked;
  const uuid = tokenId(randomUUID());
  const endsAt = certifiedUntil(ports.now(), ports.access.userCertificateLifeMs, rest.expiresAt);
  const issued = await ports.certificates.issueToUser({ user: user.name, credential: uuid, request, endsAt });
  const event = { kind: "token-create", uuid, user: user.name, hash: issued.keyHash, certifiedUntil: endsAt } as const;
  const subject = await ports.ask({ ...event, ...rest }, context, target);
  return { row: made(ports.state().access.apiTokens, subject), certificate: issued.certificate };
}
