import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findUser } from "../../core/access/names.js";
import type { ApiPorts } from "../ports.js";
import { userView } from "../views/user.js";

export function getUser(ports: ApiPorts): Handlers<typeof UserService>["getUser"] {
  return ({ id }) => {
    const state = ports.state();
    return { user: userView(state, findUser(state, id)) };
  };
}
