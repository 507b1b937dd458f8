import type { UserService } from "../../../shared/gen/stoker/v1/user_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { certifiedUntil, renewable } from "../../core/access/certificates.js";
import { callingUser } from "../calling-user.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { tokenView } from "../views/user.js";

/** The certificate that the call came by says whose and which: nobody renews another's. */
export function renewCertificate(ports: ApiPorts): Handlers<typeof UserService>["renewCertificate"] {
  return async ({ certificateRequest: request }, context) => {
    const { caller } = context;
    const user = callingUser(ports.state(), context);
    const uuid = caller.kind === "user" ? caller.token : undefined;
    const row = uuid && ports.state().access.apiTokens.get(uuid);
    const endsAt = certifiedUntil(ports.now(), ports.access.userCertificateLifeMs, row?.expiresAt);
    const asked = { user: user.name, credential: uuid ?? "", request, endsAt };
    const { certificate, keyHash: hash } = await ports.certificates.issueToUser(asked);
    const known = renewable(ports.state(), uuid, hash);
    const subject = await ports.ask(
      { kind: "certificate-renew", uuid: known.uuid, hash, certifiedUntil: endsAt },
      context,
      `users/${user.name}/tokens/${known.name}`,
    );
    return { token: tokenView(user, made(ports.state().access.apiTokens, subject)), certificate };
  };
}
