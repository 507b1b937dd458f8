import type { JoinService } from "../../../shared/gen/stoker/v1/join_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function revokeJoinToken(ports: ApiPorts): Handlers<typeof JoinService>["revokeJoinToken"] {
  return async ({ id }, context) => {
    await ports.ask({ kind: "join-token-revoke", uuid: id }, context);
    return {};
  };
}
