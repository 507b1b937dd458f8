import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { userView } from "../views/user.js";

export function setPassword(ports: ApiPorts): Handlers<typeof UserService>["setPassword"] {
  return async ({ id, password }, context) => {
    const hash = password === "" ? {} : { hash: await ports.access.hash(password) };
    const subject = await ports.ask({ kind: "user-password", id, ...hash }, context);
    const state = ports.state();
    return { user: userView(state, made(state.access.users, subject)) };
  };
}
