import { randomUUID } from "node:crypto";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { tokenId } from "../../../shared/ids.js";
import { namedUser } from "../calling-user.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { tokenView } from "../views/user.js";

export function createToken(ports: ApiPorts): Handlers<typeof UserService>["createToken"] {
  return async ({ user: id, name, expiryTime }, context) => {
    const user = namedUser(ports.state(), id, context);
    const { secret, hash } = ports.access.newToken();
    const expiry = expiryTime ? { expiresAt: timestampMs(expiryTime) } : {};
    const token = { uuid: tokenId(randomUUID()), user: user.name, name, hash, ...expiry };
    const subject = await ports.ask({ kind: "token-create", ...token }, context, `users/${user.name}/tokens/${name}`);
    return { token: tokenView(user, made(ports.state().access.apiTokens, subject)), secret };
  };
}
