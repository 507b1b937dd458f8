import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function deleteUser(ports: ApiPorts): Handlers<typeof UserService>["deleteUser"] {
  return async ({ id }, context) => {
    await ports.ask({ kind: "user-delete", id }, context);
    return {};
  };
}
