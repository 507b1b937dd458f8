import type { SecretService } from "../../../shared/gen/stoker/v1/secret_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function deleteSecret(ports: ApiPorts): Handlers<typeof SecretService>["deleteSecret"] {
  return async ({ id }, context) => {
    await ports.ask({ kind: "secret-delete", id }, context);
    return {};
  };
}
