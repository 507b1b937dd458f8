import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { SignedInSchema } from "../../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { CallContext } from "../../../shared/grpc.js";
import { tokenId } from "../../../shared/ids.js";
import { findUser } from "../../core/access/names.js";
import { made } from "../create.js";
import { amend } from "../origin.js";
import type { ApiPorts } from "../ports.js";
import { userView } from "../views/user.js";

/** A token for whoever has shown who they are. */
export async function signedIn(
  ports: ApiPorts,
  name: string,
  tokenName: string,
  context: CallContext,
): Promise<MessageInitShape<typeof SignedInSchema>> {
  const user = findUser(ports.state(), name);
  amend(context, { caller: { kind: "user", name: user.name, user: user.uuid }, target: `users/${user.name}` });
  const { secret, hash } = ports.access.newToken();
  const expiresAt = ports.now() + ports.access.signInLifeMs;
  const token = { uuid: tokenId(randomUUID()), user: user.name, name: tokenName || "login", hash, expiresAt };
  const subject = await ports.ask({ kind: "token-create", ...token, findsName: true }, context);
  const state = ports.state();
  const row = made(state.access.apiTokens, subject);
  return { user: userView(state, user), secret, tokenName: row.name, expiryTime: timestampFromMs(expiresAt) };
}
