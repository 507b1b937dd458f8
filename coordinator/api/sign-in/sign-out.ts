import { Fault } from "../../../shared/fault.js";
import type { SignInService } from "../../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function signOut(ports: ApiPorts): Handlers<typeof SignInService>["signOut"] {
  return async (_, context) => {
    const { caller } = context;
    const token = caller.kind === "user" && caller.token && ports.state().access.apiTokens.get(caller.token);
    if (!token || caller.kind !== "user") {
      throw new Fault(
        "failed-precondition",
        "only tokens and certificates of users are revoked so: the call came with the coordinator's own token",
      );
    }
    const { name } = caller;
    await ports.ask(
      { kind: "token-revoke", user: name, name: token.name },
      context,
      `users/${name}/tokens/${token.name}`,
    );
    return {};
  };
}
