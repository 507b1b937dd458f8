import type { Metadata } from "@grpc/grpc-js";
import type { TokenId, UserId } from "./ids.js";

/** Who calls: proven by the connection's certificate or by a token, never by what a message says of itself. */
export type Caller =
  /** Speaks for this node and no other. */
  | { readonly kind: "node"; readonly node: string }
  /** An agent without a certificate, by the shared token: only on connections that are not encrypted. It may speak for any node that has none. */
  | { readonly kind: "unproven-node" }
  | UserCaller
  | { readonly kind: "anonymous" };

export interface UserCaller {
  readonly kind: "user";
  readonly name: string;
  /** Has the coordinator's own token, and may do everything. */
  readonly isBootstrap?: true;
  /** Absent of that one. */
  readonly user?: UserId;
  /** By which token or certificate of theirs. Absent of that one. */
  readonly token?: TokenId;
  /** Of the certificate that the connection has shown, in milliseconds since the epoch. */
  readonly certificateEndsAt?: number;
}

/** What a connection shows of its other end. */
export interface CallerConnection {
  /** `address:port`. */
  readonly peer: string;
  readonly isEncrypted: boolean;
  /** That it gave, whoever signed it. */
  readonly certificate?: CallerCertificate;
}

export interface CallerCertificate {
  /** Its chain ends at our authority, and it is valid now; else why not, in words. */
  readonly problem?: string;
  /** Subject alternative names of kind URI. */
  readonly uris: readonly string[];
  /** SHA-256 of its public key (SPKI), in hex. */
  readonly keyHash: string;
  /** Milliseconds since the epoch. A connection that stands may outlive it. */
  readonly endsAt: number;
}

export interface Call {
  readonly connection: CallerConnection;
  readonly metadata: Metadata;
  /** `/stoker.v1.JobService/CreateJob` */
  readonly path: string;
}

/** Decides before anything of a call's message is read. */
export interface Access {
  /** Throws a Fault, `unauthenticated`, when what is given proves nothing. */
  identify(call: Call): Caller;
  /** Throws a Fault, `permission-denied`, unless the caller may make such a call at all. */
  permit(caller: Caller, call: Call): void;
}

const callers = new WeakMap<Metadata, Caller>();

/** The doorkeeper's finding, for the handler that gets this metadata. */
export function introduce(metadata: Metadata, caller: Caller): void {
  callers.set(metadata, caller);
}

export const callerOf = (metadata: Metadata): Caller => callers.get(metadata) ?? { kind: "anonymous" };
