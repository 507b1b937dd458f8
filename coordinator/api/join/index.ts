import type { JoinService } from "../../../shared/gen/stoker/v1/join_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { createJoinToken } from "./create-join-token.js";
import { join } from "./join.js";
import { listJoinTokens } from "./list-join-tokens.js";
import { revokeJoinToken } from "./revoke-join-token.js";

export const joinHandlers = (ports: ApiPorts): Handlers<typeof JoinService> => ({
  join: join(ports),
  createJoinToken: createJoinToken(ports),
  listJoinTokens: listJoinTokens(ports),
  revokeJoinToken: revokeJoinToken(ports),
});
