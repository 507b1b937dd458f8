import type { SecretService } from "../../../shared/gen/stoker/v1/secret_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { deleteSecret } from "./delete-secret.js";
import { listSecrets } from "./list-secrets.js";
import { setSecret } from "./set-secret.js";

export const secretHandlers = (ports: ApiPorts): Handlers<typeof SecretService> => ({
  setSecret: setSecret(ports),
  listSecrets: listSecrets(ports),
  deleteSecret: deleteSecret(ports),
});
