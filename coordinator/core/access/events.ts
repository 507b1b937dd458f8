import type { TokenId, UserId } from "../../../shared/ids.js";
import type { Instant } from "../state.js";
import type { AuditNote } from "./audit.js";
import type { User } from "./user.js";

/** What users and administrators order about users. Passwords and tokens are hashed by the shell, and certificates signed by it: they are never here. */
export type AccessRequest =
  | UserCreate
  | {
      readonly kind: "user-update";
      readonly id: string;
      readonly displayName?: string;
      readonly disabled?: boolean;
    }
  /** `hash` absent: none from now on. */
  | { readonly kind: "user-password"; readonly id: string; readonly hash?: string }
  | { readonly kind: "user-delete"; readonly id: string }
  | TokenCreate
  | CertificateRenew
  | { readonly kind: "token-revoke"; readonly user: string; readonly name: string }
  /** The workspace is empty for the whole lab. */
  | { readonly kind: "role-grant"; readonly user: string; readonly workspace: string; readonly role: string }
  | { readonly kind: "role-revoke"; readonly user: string; readonly workspace: string }
  | SubjectSignIn;

export interface UserCreate {
  readonly kind: "user-create";
  readonly uuid: UserId;
  readonly name: string;
  readonly displayName: string;
  readonly passwordHash?: string;
  readonly subject?: User["subject"];
}

export interface TokenCreate {
  readonly kind: "token-create";
  readonly uuid: TokenId;
  readonly user: string;
  readonly name: string;
  readonly hash: string;
  readonly expiresAt?: Instant;
  /** It is a certificate, good until then. */
  readonly certifiedUntil?: Instant;
  /** A number is added to a name that is taken. */
  readonly findsName?: true;
}

/** Another one for the same key. */
export interface CertificateRenew {
  readonly kind: "certificate-renew";
  readonly uuid: TokenId;
  /** Of the key that it was asked for. */
  readonly hash: string;
  readonly certifiedUntil: Instant;
}

/** An identity provider has said who it is: one who was not known becomes a user. */
export interface SubjectSignIn {
  readonly kind: "subject-sign-in";
  /** For one who is new. */
  readonly uuid: UserId;
  readonly subject: NonNullable<User["subject"]>;
  readonly name: string;
  readonly displayName: string;
  readonly groups: readonly string[];
}

/** From the shell itself. */
export type AccessNotice =
  /** Calls that change nothing here, or were refused. */
  | { readonly kind: "audit"; readonly notes: readonly AuditNote[] }
  | { readonly kind: "tokens-used"; readonly uses: ReadonlyArray<{ readonly token: TokenId; readonly at: Instant }> };
