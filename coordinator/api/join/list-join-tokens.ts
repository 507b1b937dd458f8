import type { JoinService } from "../../../shared/gen/stoker/v1/join_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { joinTokenView } from "../views/join-token.js";

export function listJoinTokens(ports: ApiPorts): Handlers<typeof JoinService>["listJoinTokens"] {
  return () => {
    const state = ports.state();
    const all = [...state.joinTokens.values()].sort((one, other) => one.createdAt - other.createdAt);
    return { joinTokens: all.map((token) => joinTokenView(state, token)) };
  };
}
