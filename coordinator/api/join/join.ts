import { Fault } from "../../../shared/fault.js";
import type { JoinService } from "../../../shared/gen/stoker/v1/join_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { hashOfSecret, parseJoinToken } from "../../../shared/join-token.js";
import type { NodeJoin } from "../../core/identity/events.js";
import { admitJoin } from "../../core/identity/nodes.js";
import { amend } from "../origin.js";
import type { ApiPorts } from "../ports.js";

/** The token is used up only when the certificate is made, and the certificate is handed out only when that is on disk. */
export function join(ports: ApiPorts): Handlers<typeof JoinService>["join"] {
  return async ({ token, nodeName: name, certificateRequest, natsKey }, context) => {
    const { id, secret } = parseJoinToken(token);
    amend(context, { credential: `joining token ${id}` });
    const asked: NodeJoin = { kind: "node-join", token: id, hash: hashOfSecret(secret), name, natsKey, keyHash: "" };
    admitJoin(ports.state(), asked, ports.now());
    // It becomes a part of the configuration of NATS.
    if (!/^U[A-Z2-7]{55}$/.test(natsKey))
      throw new Fault("invalid-argument", "natsKey: expected the public key of a user of NATS");
    const { certificate, keyHash } = await ports.certificates.issue(name, certificateRequest);
    await ports.ask({ ...asked, keyHash }, context);
    return { certificate };
  };
}
