import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { userView } from "../views/user.js";

export function updateUser(ports: ApiPorts): Handlers<typeof UserService>["updateUser"] {
  return async ({ id, displayName, disabled }, context) => {
    const named = displayName === undefined ? {} : { displayName };
    const able = disabled === undefined ? {} : { disabled };
    const subject = await ports.ask({ kind: "user-update", id, ...named, ...able }, context);
    const state = ports.state();
    return { user: userView(state, made(state.access.users, subject)) };
  };
}
