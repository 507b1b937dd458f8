import type { TokenId, UserId, WorkspaceId } from "../../../shared/ids.js";
import type { Instant } from "../state.js";

/** A person, or a program that acts as one. Jobs keep the name of who submitted them, also when the user has gone. */
export interface User {
  readonly uuid: UserId;
  /** Unique among those that live; never changed. */
  readonly name: string;
  readonly displayName: string;
  readonly createdAt: Instant;
  /** May do everything in the whole lab. */
  readonly administrator: boolean;
  /** scrypt, as the shell writes it; absent of one that signs in elsewhere, or not at all. */
  readonly passwordHash?: string;
  /** Of an identity provider. */
  readonly subject?: { readonly issuer: string; readonly subject: string };
  /** That the identity provider named at the last sign-in: see Settings.groupRoles. */
  readonly groups?: readonly string[];
  readonly disabledSince?: Instant;
}

/** Whoever shows it acts as its user. What is shown is never kept: only what it hashes to. */
export interface ApiToken {
  readonly uuid: TokenId;
  readonly user: UserId;
  /** A word that calls carry, or certificates of one key that connections show. */
  readonly kind: "token" | "certificate";
  /** For people: unique among the user's own. */
  readonly name: string;
  /**
   * SHA-256, in hex. Of the token: it is 256 random bits, so that nobody can guess one from this. Of a certificate's public key (SPKI), which is no
   * secret: a certificate is found by its UUID, and never by this.
   */
  readonly hash: string;
  readonly createdAt: Instant;
  /** Absent: it lasts until it is revoked. */
  readonly expiresAt?: Instant;
  /** When the latest certificate ends; it is renewed until then. Absent of tokens. */
  readonly certifiedUntil?: Instant;
  /** Written now and then, so up to some minutes old. */
  readonly usedAt?: Instant;
}

/** From the least to the most: each may do what those before it may. */
export const roles = ["reader", "contributor", "owner"] as const;
export type Role = (typeof roles)[number];

/** What a user may do in one workspace. */
export interface RoleAssignment {
  readonly user: UserId;
  readonly workspace: WorkspaceId;
  readonly role: Role;
  readonly grantedAt: Instant;
}

/** What members of a group of the identity provider may do, as the configuration says it. */
export type GroupRole =
  | { readonly role: "administrator" }
  /** By its name: it need not be there yet. */
  | { readonly role: Role; readonly workspace: string };

export const assignmentKey = (user: UserId, workspace: WorkspaceId) => `${user} ${workspace}`;

/** The one who comes with the coordinator's own token. No user can be called so. */
export const bootstrapName = "administrator";
