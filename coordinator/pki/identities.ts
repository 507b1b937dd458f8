import { nodeOfUri } from "../../shared/certificates.js";
import { Fault } from "../../shared/fault.js";
import type { NodeIdentity } from "../core/identity/identity.js";
import type { Issued } from "./authority.js";
import type { PkiFolder } from "./pki-folder.js";

export interface IdentitiesHost {
  /** Undefined where connections are not encrypted: nodes have no certificates then. */
  pki: PkiFolder | undefined;
  /** By name of the node. */
  identities(): { get(name: string): NodeIdentity | undefined };
  now(): number;
  /** How long a node's certificate is valid. */
  lifeMs: number;
}

/** What a caller's certificate says, as its connection has found it. */
interface Shown {
  readonly problem?: string;
  readonly uris: readonly string[];
  readonly keyHash: string;
}

/** Nodes and their certificates: who is let in as which node; and who gets a certificate, users too. */
export class Identities {
  constructor(private readonly host: IdentitiesHost) {}

  /** The node that the certificate speaks for, now. Throws a Fault when it speaks for none. */
  nodeOf({ problem, uris, keyHash }: Shown): string {
    const [uri = ""] = uris;
    const name = nodeOfUri(uri);
    if (name === undefined) throw new Fault("unauthenticated", "the certificate is not a node's");
    if (problem !== undefined) {
      const why = /EXPIRED/.test(problem) ? "has expired" : `is not of this coordinator's authority (${problem})`;
      throw new Fault("unauthenticated", `the certificate of node ${name} ${why}: ${again}`);
    }
    const known = this.host.identities().get(name);
    if (known?.keyHash !== keyHash) {
      throw new Fault(
        "unauthenticated",
        `the certificate of node ${name} is of a key that this coordinator does not know: ${again}`,
      );
    }
    if (known.revokedAt !== undefined) {
      const when = new Date(known.revokedAt).toISOString();
      throw new Fault(
        "permission-denied",
        `node ${name} was removed at ${when}, and its certificate is revoked: ${again}`,
      );
    }
    return name;
  }

  /** A machine speaks for this node already. */
  hasJoined(name: string): boolean {
    const known = this.host.identities().get(name);
    return known !== undefined && known.revokedAt === undefined;
  }

  /** For who may join as this node. */
  issue(node: string, request: string): Promise<Issued> {
    const { pki, lifeMs } = this.host;
    if (!pki) {
      throw new Fault(
        "failed-precondition",
        "this coordinator was started with --tls off: its nodes have no certificates",
      );
    }
    return pki.authority.forNode(node, request, { now: this.host.now(), lifeMs });
  }

  /** For a user's key. */
  async issueToUser(asked: { user: string; credential: string; request: string; endsAt: number }): Promise<Issued> {
    const { pki } = this.host;
    if (!pki) {
      throw new Fault(
        "failed-precondition",
        "this coordinator was started with --tls off: users show tokens there, and no certificates",
      );
    }
    return pki.authority.forUser(asked, { now: this.host.now(), endsAt: asked.endsAt });
  }

  /** For the node itself, by its session: the key stays what it is. In PEM. */
  async renew(node: string, request: string): Promise<string> {
    const { certificate, keyHash } = await this.issue(node, request);
    if (this.host.identities().get(node)?.keyHash !== keyHash)
      throw new Fault(
        "permission-denied",
        "a certificate is renewed for the key that it has; another key is another node's, which joins",
      );
    return certificate;
  }
}

const again = "run `stoker-agent join HOST:PORT TOKEN` on the machine to make it a node again";
