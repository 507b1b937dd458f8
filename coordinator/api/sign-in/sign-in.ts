import type { SignInService } from "../../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { amend } from "../origin.js";
import type { ApiPorts } from "../ports.js";
import { signedIn } from "./signed-in.js";

export function signIn(ports: ApiPorts): Handlers<typeof SignInService>["signIn"] {
  return async ({ name, password, ...wanted }, context) => {
    amend(context, { credential: "password" });
    await ports.access.checkPassword(name, password, context.peer);
    return { signedIn: await signedIn(ports, name, wanted, context) };
  };
}
