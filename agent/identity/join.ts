import { newKey, requestFor } from "../../shared/certificate-request.js";
import { trusting } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";
import { JoinService } from "../../shared/gen/stoker/v1/join_service_pb.js";
import { connect } from "../../shared/grpc.js";
import { parseJoinToken } from "../../shared/join-token.js";
import { cannotReach, fetchAuthority } from "../../shared/pinned-authority.js";
import type { IdentityFile } from "./identity-file.js";

const withinMs = 30_000;

export interface JoinOptions {
  /** As `host:port`. */
  coordinator: string;
  token: string;
  node: string;
  /** The node's key at the coordinator's NATS. */
  nats: { publicKey: string; seed: string };
}

/** Makes this machine a node: the key is made here and stays here, and nothing is believed but what the token's hash vouches for. */
export async function join(file: IdentityFile, { coordinator, token, node, nats }: JoinOptions): Promise<void> {
  const authority = await fetchAuthority(coordinator, parseJoinToken(token).pin);
  const key = newKey();
  const connection = connect(coordinator, trusting({ authority }));
  try {
    const certificateRequest = await requestFor(node, key);
    const asked = { token, nodeName: node, certificateRequest, natsKey: nats.publicKey };
    const { certificate } = await connection
      .client(JoinService)
      .join(asked, { timeoutMs: withinMs })
      .catch((cause: unknown) => {
        if (!(cause instanceof Fault) || cause.code !== "unavailable") throw cause;
        throw new Fault(cause.code, cannotReach(coordinator, cause), { cause });
      });
    file.write({ coordinator, node, authority, certificate, key, natsKey: nats.publicKey, natsSeed: nats.seed });
  } finally {
    connection.close();
  }
}
