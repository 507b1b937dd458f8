import type { SignInService } from "../../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { isAdministrator } from "../../core/access/caller.js";
import type { ApiPorts } from "../ports.js";
import { tokenView, userView } from "../views/user.js";

export function getCaller(ports: ApiPorts): Handlers<typeof SignInService>["getCaller"] {
  return (_, { caller }) => {
    if (caller.kind !== "user") return {};
    const state = ports.state();
    const user = caller.user && state.access.users.get(caller.user);
    const token = caller.token && state.access.apiTokens.get(caller.token);
    return {
      name: caller.name,
      credential: ports.access.credential(caller),
      administrator: isAdministrator(state, caller),
      ...(user ? { user: userView(state, user) } : {}),
      ...(user && token ? { token: tokenView(user, token) } : {}),
    };
  };
}
