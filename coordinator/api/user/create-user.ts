import { randomUUID } from "node:crypto";
import { Fault } from "../../../shared/fault.js";
import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { userId } from "../../../shared/ids.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { userView } from "../views/user.js";

export function createUser(ports: ApiPorts): Handlers<typeof UserService>["createUser"] {
  return async ({ name, displayName, password, subject }, context) => {
    const passwordHash = password === "" ? {} : { passwordHash: await ports.access.hash(password) };
    const row = await ports.ask(
      {
        kind: "user-create",
        uuid: userId(randomUUID()),
        ...{ name, displayName, ...passwordHash, ...subjectAt(ports, subject) },
      },
      context,
    );
    const state = ports.state();
    return { user: userView(state, made(state.access.users, row)) };
  };
}

function subjectAt({ access }: ApiPorts, subject: string) {
  if (subject === "") return {};
  const issuer = access.identityProvider?.settings.issuer;
  if (issuer === undefined) {
    throw new Fault("failed-precondition", "subject: no identity provider is configured (--oidc-issuer)");
  }
  return { subject: { issuer, subject } };
}
