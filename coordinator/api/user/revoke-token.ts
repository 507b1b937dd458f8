import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { namedUser } from "../calling-user.js";
import type { ApiPorts } from "../ports.js";

export function revokeToken(ports: ApiPorts): Handlers<typeof UserService>["revokeToken"] {
  return async ({ user: id, name }, context) => {
    const user = namedUser(ports.state(), id, context);
    await ports.ask({ kind: "token-revoke", user: user.name, name }, context, `users/${user.name}/tokens/${name}`);
    return {};
  };
}
