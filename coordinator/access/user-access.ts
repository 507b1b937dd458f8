import { timingSafeEqual } from "node:crypto";
import type { Access, Call, Caller, UserCaller } from "../../shared/caller.js";
import { Fault } from "../../shared/fault.js";
import { admitCaller } from "../core/access/authorize.js";
import { refuseFallen } from "../core/access/caller.js";
import { ruleOfPath } from "../core/access/rule-of.js";
import { bootstrapName } from "../core/access/user.js";
import type { State } from "../core/memory.js";
import { hashOf } from "./token-secret.js";

export interface UserAccessHost {
  /** Valid until the next await. */
  state(): State;
  now(): number;
  /** The coordinator's own token. */
  token: string;
  /** A call has come with it. */
  used(caller: UserCaller): void;
}

/** Knows users by their tokens: one look each, in memory. */
export class UserAccess implements Access {
  private readonly ownHash: Buffer;

  constructor(private readonly host: UserAccessHost) {
    this.ownHash = Buffer.from(hashOf(host.token));
  }

  identify({ metadata, path }: Call): Caller {
    if (ruleOfPath(path)?.rule.needs === "anyone") return { kind: "anonymous" };
    const given = metadata.get("authorization")[0];
    if (given === undefined) {
      throw new Fault(
        "unauthenticated",
        "no token was given: `stoker login` gets one; or pass --token-file, or set STOKER_TOKEN",
      );
    }
    const secret = /^Bearer (.+)$/i.exec(String(given))?.[1] ?? "";
    const caller = this.callerOf(hashOf(secret));
    this.host.used(caller);
    return caller;
  }

  permit(caller: Caller, { path }: Call): void {
    if (caller.kind !== "user") return;
    const method = ruleOfPath(path);
    if (method) admitCaller(this.host.state(), caller, method.rule);
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
    const caller: UserCaller = { kind: "user", name, user: token.user, token: token.uuid };
    refuseFallen(state, caller, this.host.now());
    return caller;
  }
}
