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
    const { certificate, keyHash } = await ports.certificates.issue(name, certificateRequest, natsKey);
    await ports.ask({ ...asked, keyHash }, context);
    return { certificate };
  };
}
