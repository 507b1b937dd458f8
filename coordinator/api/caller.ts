import type { Access, Call, Caller, CallerCertificate } from "../../shared/caller.js";
import { userOfUri } from "../../shared/certificates.js";
import { authenticate } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";

export type { Access, Call, Caller } from "../../shared/caller.js";

const agentService = "/stoker.v1.AgentService/";
/** With a joining token in its message, by a machine that has no certificate yet. */
const join = "/stoker.v1.JoinService/Join";

/** Who knows the nodes' certificates. */
export interface NodeCertificates {
  /** The node that the certificate speaks for. Throws a Fault when it is revoked, or no node's. */
  nodeOf(certificate: CallerCertificate): string;
}

/** Calls that don't come from nodes: users and what they may do. */
export type UserAccess = Access;

/**
 * Nodes are known by their connection's certificate and may make the agents' calls alone; everybody else is a user. A user's certificate is the
 * users' part to know. Agents that have no certificate yet are believed by the shared token, on connections that are not encrypted.
 */
export class CallerAccess implements Access {
  constructor(
    private readonly nodes: NodeCertificates,
    private readonly users: UserAccess,
    /** Throws a Fault unless the call carries the token that old agents have; undefined when none are let in. */
    private readonly sharedToken: ((call: Call) => void) | undefined,
  ) {}

  identify(call: Call): Caller {
    const { certificate, isEncrypted } = call.connection;
    if (certificate && isNodes(certificate)) return { kind: "node", node: this.nodes.nodeOf(certificate) };
    if (call.path === join) return { kind: "anonymous" };
    if (!call.path.startsWith(agentService)) return this.users.identify(call);
    const user = certificate?.uris.map(userOfUri).find((found) => found !== undefined);
    if (user) {
      throw new Fault(
        "unauthenticated",
        `the certificate is user ${user.name}'s, and an agent shows one of its node: run \`stoker-agent join HOST:PORT TOKEN\` on the machine`,
      );
    }
    if (isEncrypted || !this.sharedToken) {
      throw new Fault(
        "unauthenticated",
        "an agent shows the certificate of its node: run `stoker-agent join HOST:PORT TOKEN` on the machine",
      );
    }
    this.sharedToken(call);
    return { kind: "unproven-node" };
  }

  permit(caller: Caller, call: Call): void {
    if (caller.kind === "node") {
      if (call.path.startsWith(agentService)) return;
      throw new Fault("permission-denied", `node ${caller.node} may make no calls but an agent's own`);
    }
    if (caller.kind === "unproven-node" || call.path === join) return;
    this.users.permit(caller, call);
  }
}

const isNodes = ({ uris }: CallerCertificate) => uris.some((uri) => uri.startsWith("stoker://node/"));

/** One token for everybody and everything. */
export function tokenAccess(token: string): Access {
  return {
    identify: ({ metadata }) => {
      authenticate(metadata, token);
      return { kind: "user", name: "administrator" };
    },
    permit: () => undefined,
  };
}

/** For connections that are not encrypted where they must be: what speaks so is told so, in its own way. */
export const encryptedOnly: Access = {
  identify: () => {
    throw new Fault(
      "unauthenticated",
      "this coordinator speaks TLS alone, and the connection is not encrypted: it comes from a command line or an agent before 0.3, or from one with --tls off",
    );
  },
  permit: () => undefined,
};
