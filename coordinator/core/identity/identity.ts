import type { Instant } from "../state.js";

/** By which a node is known: the key of its certificates. A certificate that is renewed keeps it. */
export interface NodeIdentity {
  /** Of the node. */
  readonly name: string;
  /** SHA-256 of the public key, in hex. */
  readonly keyHash: string;
  /** Its user at our own NATS. */
  readonly natsKey: string;
  readonly joinedAt: Instant;
  /** Id of the token it joined with. */
  readonly token: string;
  /** From then on nobody with this key is let in. */
  readonly revokedAt?: Instant;
}

/** What lets machines join; its secret is known to whoever holds the token. */
export interface JoinToken {
  readonly uuid: string;
  /** SHA-256 of the secret, in hex. */
  readonly hash: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  readonly uses: number;
  readonly used: number;
  /** A machine may take the name of a node that has joined already. */
  readonly replaces: boolean;
  /** Who made it. */
  readonly createdBy: string;
  readonly revokedAt?: Instant;
}
