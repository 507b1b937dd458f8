import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { SignedInSchema } from "../../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { CallContext } from "../../../shared/grpc.js";
import { tokenId } from "../../../shared/ids.js";
import { findUser } from "../../core/access/names.js";
import { certify } from "../certify.js";
import { made } from "../create.js";
import { amend } from "../origin.js";
import type { ApiPorts } from "../ports.js";
import { userView } from "../views/user.js";

export interface Wanted {
  tokenName: string;
  /** Empty: a token is wanted, and no certificate. */
  certificateRequest: string;
}

/** A token or a certificate for whoever has shown who they are. */
export async function signedIn(
  ports: ApiPorts,
  userName: string,
  { tokenName, certificateRequest: request }: Wanted,
  context: CallContext,
): Promise<MessageInitShape<typeof SignedInSchema>> {
  const user = findUser(ports.state(), userName);
  amend(context, { caller: { kind: "user", name: user.name, user: user.uuid }, target: `users/${user.name}` });
  const expiresAt = ports.now() + ports.access.signInLifeMs;
  const asked = { name: tokenName || "login", expiresAt, findsName: true } as const;
  const given = { user: userView(ports.state(), user), expiryTime: timestampFromMs(expiresAt) };
  if (request !== "") {
    const { row, certificate } = await certify(ports, user, { ...asked, request }, context);
    return { ...given, certificate, tokenName: row.name };
  }
  const { secret, hash } = ports.access.newToken();
  const event = { kind: "token-create", uuid: tokenId(randomUUID()), user: user.name, hash } as const;
  const subject = await ports.ask({ ...event, ...asked }, context);
  return { ...given, secret, tokenName: made(ports.state().access.apiTokens, subject).name };
}
