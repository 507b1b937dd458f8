import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { userView } from "../views/user.js";

export function listUsers(ports: ApiPorts): Handlers<typeof UserService>["listUsers"] {
  return (request) => {
    const state = ports.state();
    const page = pageByName("users", state.access.users.values(), request);
    return { users: page.items.map((row) => userView(state, row)), nextPageToken: page.nextPageToken };
  };
}
