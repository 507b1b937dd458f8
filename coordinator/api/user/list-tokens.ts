import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { tokensOf } from "../../core/access/tokens.js";
import type { ApiToken } from "../../core/access/user.js";
import { namedUser } from "../calling-user.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { tokenView } from "../views/user.js";

export function listTokens(ports: ApiPorts): Handlers<typeof UserService>["listTokens"] {
  return (request, context) => {
    const state = ports.state();
    const user = namedUser(state, request.user, context);
    const page = pageByName("tokens", tokensOf(state, user), request);
    const withUse = (row: ApiToken) => {
      const usedAt = ports.access.usedAt(row.uuid) ?? row.usedAt;
      return usedAt === undefined ? row : { ...row, usedAt };
    };
    return { tokens: page.items.map((row) => tokenView(user, withUse(row))), nextPageToken: page.nextPageToken };
  };
}
