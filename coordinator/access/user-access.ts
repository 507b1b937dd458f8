import { timingSafeEqual } from "node:crypto";
import type { Access, Call, Caller, CallerCertificate, CallerConnection, UserCaller } from "../../shared/caller.js";
import { Fault } from "../../shared/fault.js";
import { admitCaller } from "../core/access/authorize.js";
import { refuseFallen } from "../core/access/caller.js";
import { ruleOfPath } from "../core/access/rule-of.js";
import { bootstrapName } from "../core/access/user.js";
import type { State } from "../core/memory.js";
import { hashOf } from "./token-secret.js";
import { byCertificate } from "./user-certificate.js";

export interface UserAccessHost {
  /** Valid until the next await. */
  state(): State;
  now(): number;
  /** The coordinator's own token. */
  token: string;
  /** A call has come with it. */
  used(caller: UserCaller): void;
}

/** Knows users by their tokens and certificates: one look each, in memory. */
export class UserAccess implements Access {
  private readonly ownHash: Buffer;
  /** On which some call came by a certificate that counted then. */
  private readonly admitted = new WeakSet<CallerConnection>();

  constructor(private readonly host: UserAccessHost) {
    this.ownHash = Buffer.from(hashOf(host.token));
  }

  /** Whose it is that was shown; `permit` says whether it counts still. */
  identify({ connection, metadata, path }: Call): Caller {
    if (ruleOfPath(path)?.rule.needs === "anyone") return { kind: "anonymous" };
    const shown = byCertificate(this.host.state(), connection.certificate);
    const given = metadata.get("authorization")[0];
    if (given === undefined) {
      if (shown) return shown;
      throw new Fault("unauthenticated", nothingShown(connection.certificate));
    }
    const secret = /^Bearer (.+)$/i.exec(String(given))?.[1] ?? "";
    const caller = this.callerOf(hashOf(secret));
    if (shown) this.refuseTwo(caller, shown);
    return caller;
  }

  permit(caller: Caller, { connection, path }: Call): void {
    if (caller.kind !== "user") return;
    refuseFallen(this.host.state(), caller, this.host.now());
    this.host.used(caller);
    if (caller.certificateEndsAt !== undefined) this.admitted.add(connection);
    const method = ruleOfPath(path);
    if (method) admitCaller(this.host.state(), caller, method.rule);
  }

  /** True once, of a connection whose certificate counted and does no more. Where it never did, each call is refused. */
  isOver(connection: CallerConnection): boolean {
    if (!this.admitted.has(connection)) return false;
    try {
      const caller = byCertificate(this.host.state(), connection.certificate);
      if (caller) refuseFallen(this.host.state(), caller, this.host.now());
      return false;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.admitted.delete(connection);
      return true;
    }
  }

  /** Who shows both is known by the token, as long as nothing speaks against it. */
  private refuseTwo(caller: UserCaller, shown: UserCaller): void {
    if (caller.user !== shown.user) {
      throw new Fault(
        "unauthenticated",
        `the call's token is of ${caller.name}, and its connection's certificate of ${shown.name}: show one of them`,
      );
    }
    refuseFallen(this.host.state(), shown, this.host.now());
  }

  private callerOf(hash: string): UserCaller {
    if (timingSafeEqual(Buffer.from(hash), this.ownHash)) {
      return { kind: "user", name: bootstrapName, isBootstrap: true };
    }
    const state = this.host.state();
    const uuid = state.access.tokenByHash.get(hash);
    const token = uuid && state.access.apiTokens.get(uuid);
    if (!token) {
      throw new Fault(
        "unauthenticated",
        "the token is not this coordinator's, or it was revoked: `stoker login` gets another; the file `token` of its data folder is the administrator's",
      );
    }
    const name = state.access.users.get(token.user)?.name ?? "";
    return { kind: "user", name, user: token.user, token: token.uuid };
  }
}

const nothingShown = (certificate: CallerCertificate | undefined) =>
  certificate
    ? "the certificate that was shown is no user's, and no token was given: `stoker login` gets one; or pass --token-file, or set STOKER_TOKEN"
    : "no token was given: `stoker login` gets one; or pass --token-file, or set STOKER_TOKEN";
