import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { namedUser } from "../calling-user.js";
import { certify } from "../certify.js";
import type { ApiPorts } from "../ports.js";
import { tokenView } from "../views/user.js";

export function createCertificate(ports: ApiPorts): Handlers<typeof UserService>["createCertificate"] {
  return async ({ user: id, name, certificateRequest: request, expiryTime }, context) => {
    const user = namedUser(ports.state(), id, context);
    const asked = { name, request, ...(expiryTime ? { expiresAt: timestampMs(expiryTime) } : {}) };
    const { row, certificate } = await certify(ports, user, asked, context, `users/${user.name}/tokens/${name}`);
    return { token: tokenView(user, row), certificate };
  };
}
