import { randomUUID } from "node:crypto";
import { Fault } from "../../../shared/fault.js";
import type { SignInService } from "../../../shared/gen/stoker/v1/sign_in_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { userId } from "../../../shared/ids.js";
import { made } from "../create.js";
import { amend } from "../origin.js";
import type { ApiPorts } from "../ports.js";
import { signedIn } from "./signed-in.js";

export function signInWithIdToken(ports: ApiPorts): Handlers<typeof SignInService>["signInWithIdToken"] {
  return async ({ idToken, ...wanted }, context) => {
    amend(context, { credential: "identity provider" });
    const provider = ports.access.identityProvider;
    if (!provider) throw new Fault("failed-precondition", "no identity provider is configured (--oidc-issuer)");
    const { groups, ...identity } = await provider.identify(idToken);
    const known = groups.filter((group) => ports.state().settings.groupRoles?.[group] !== undefined);
    amend(context, { summary: `${identity.name}, ${identity.subject.subject} at ${identity.subject.issuer}` });
    const found = await ports.ask(
      { kind: "subject-sign-in", uuid: userId(randomUUID()), ...identity, groups: known },
      context,
    );
    const { name } = made(ports.state().access.users, found);
    return { signedIn: await signedIn(ports, name, wanted, context) };
  };
}
