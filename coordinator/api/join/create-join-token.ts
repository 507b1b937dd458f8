import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { JoinService } from "../../../shared/gen/stoker/v1/join_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { hashOfSecret, joinTokenText, newJoinToken } from "../../../shared/join-token.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { joinTokenView } from "../views/join-token.js";

const defaultLifeMs = 3_600_000;

export function createJoinToken(ports: ApiPorts): Handlers<typeof JoinService>["createJoinToken"] {
  return async ({ uses, expireTime, replaces }, context) => {
    const { caller } = context;
    const token = newJoinToken(ports.certificates.pin());
    const subject = await ports.ask(
      {
        kind: "join-token-create",
        uuid: token.id,
        hash: hashOfSecret(token.secret),
        uses: uses === 0 ? 1 : uses,
        expiresAt: expireTime ? timestampMs(expireTime) : ports.now() + defaultLifeMs,
        replaces,
        createdBy: caller.kind === "user" ? caller.name : "",
      },
      context,
    );
    const state = ports.state();
    return {
      joinToken: joinTokenView(state, made(state.joinTokens, subject)),
      token: joinTokenText(token),
      address: ports.certificates.address(),
    };
  };
}
