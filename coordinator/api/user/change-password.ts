import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { callingUser } from "../calling-user.js";
import type { ApiPorts } from "../ports.js";

export function changePassword(ports: ApiPorts): Handlers<typeof UserService>["changePassword"] {
  return async ({ oldPassword, newPassword }, context) => {
    const { name } = callingUser(ports.state(), context);
    await ports.access.checkPassword(name, oldPassword, context.peer);
    await ports.ask({ kind: "user-password", id: name, hash: await ports.access.hash(newPassword) }, context);
    return {};
  };
}
