import type { SignInService } from "../../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function getSignInOptions(ports: ApiPorts): Handlers<typeof SignInService>["getSignInOptions"] {
  return () => {
    const settings = ports.access.identityProvider?.settings;
    const users = [...ports.state().access.users.values()];
    const passwords = users.some(({ passwordHash }) => passwordHash !== undefined);
    return { passwords, ...(settings ? { identityProvider: settings } : {}) };
  };
}
