import type { Logger } from "pino";
import type { Access, Caller } from "../shared/caller.js";
import { Fault } from "../shared/fault.js";
import type { CallContext } from "../shared/grpc.js";
import { AuditedAccess } from "./access/audited-access.js";
import { IdentityProvider, type OidcSettings } from "./access/identity-provider.js";
import { Passwords } from "./access/passwords.js";
import { Refusals } from "./access/refusals.js";
import { Throttle } from "./access/throttle.js";
import { newTokenSecret } from "./access/token-secret.js";
import { TokenUses } from "./access/token-uses.js";
import { UserAccess } from "./access/user-access.js";
import { OpenCalls } from "./api/open-calls.js";
import { OpenStreams } from "./api/open-streams.js";
import { markTold, noteRefused, originOf } from "./api/origin.js";
import type { AccessPorts } from "./api/ports.js";
import type { Gate } from "./api/protect.js";
import type { AuditLog } from "./catalog/audit-log.js";
import type { AuditNote, Origin } from "./core/access/audit.js";
import type { AccessNotice } from "./core/access/events.js";
import type { GroupRole } from "./core/access/user.js";
import { roles } from "./core/access/user.js";
import type { ApiEvent } from "./core/events.js";
import type { State } from "./core/memory.js";

export interface GuardOptions {
  /** "": none. */
  oidcIssuer: string;
  oidcClientId: string;
  oidcScopes: string;
  oidcUserClaim: string;
  oidcGroupsClaim: string;
  /** Group to `administrator`, or `ROLE@WORKSPACE`. */
  oidcRoles: Record<string, string>;
  /** How long what a sign-in gives is good. */
  signInLife: number;
  userCertificateLife: number;
  auditRetention: number;
  auditEntries: number;
}

export const defaultGuardOptions: GuardOptions = {
  oidcIssuer: "",
  oidcClientId: "stoker",
  oidcScopes: "openid profile",
  oidcUserClaim: "preferred_username",
  oidcGroupsClaim: "groups",
  oidcRoles: {},
  signInLife: 30 * 86_400_000,
  userCertificateLife: 30 * 86_400_000,
  auditRetention: 365 * 86_400_000,
  auditEntries: 5_000_000,
};

export interface GuardHost {
  engine: {
    readonly state: State;
    now(): number;
    tell(event: AccessNotice): void;
    ask(event: ApiEvent, origin?: Origin): Promise<string | undefined>;
  };
  audit: AuditLog;
  token: string;
  /** Somebody may do less than before: connections may be over. */
  fallen(): void;
  log: Logger;
}

/** Wrong passwords before the next must wait: of one name, and from one machine, on which many may sign in. */
const nameTries = 5;
const peerTries = 50;
/** What may be over now: see OpenCalls. */
const lookAgainMs = 30_000;
const trimMs = 3_600_000;
const trimPauseMs = 200;

/** Events after which somebody may do less than before. */
const changesAccess: ReadonlySet<ApiEvent["kind"]> = new Set<ApiEvent["kind"]>([
  ...(["user-update", "user-delete", "token-revoke", "role-grant", "role-revoke"] as const),
  ...(["subject-sign-in", "workspace-delete"] as const),
]);

/** Who may do what, and what is told of it: the parts of `access` put together. */
export class Guards {
  readonly gate: Gate;
  readonly users: UserAccess;
  readonly ports: AccessPorts;
  private readonly openCalls: OpenCalls;
  private readonly uses: TokenUses;
  private readonly refusals: Refusals;
  private timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly options: GuardOptions,
    private readonly host: GuardHost,
  ) {
    const { engine, token } = host;
    const state = () => engine.state;
    const now = () => engine.now();
    const write = (note: AuditNote) => engine.tell({ kind: "audit", notes: [note] });
    this.openCalls = new OpenCalls(state, now);
    this.uses = new TokenUses((uses) => engine.tell({ kind: "tokens-used", uses }), now);
    this.refusals = new Refusals(write, now);
    this.users = new UserAccess({
      ...{ state, now, token },
      used: (caller) => caller.token !== undefined && this.uses.used(caller.token),
    });
    this.gate = {
      ...{ state, now },
      credential: (caller) => this.credential(caller),
      tell: (note) => (note.outcome === "ok" ? write(note) : this.refusals.tell(note)),
      openCalls: this.openCalls,
      opening: new OpenStreams(),
    };
    this.ports = {
      ...accessPorts(options, host),
      credential: (caller) => this.credential(caller),
      usedAt: (token) => this.uses.latestOf(token),
    };
  }

  /** What stands at the door, with its refusals told. */
  audited(access: Access): Access {
    return new AuditedAccess(
      access,
      (caller) => this.credential(caller),
      (note) => this.refusals.tell(note),
    );
  }

  /** The change and who has asked for it go into one commit. */
  async ask(event: ApiEvent, context: CallContext, target?: string): Promise<string | undefined> {
    const origin = originOf(context);
    const asked = origin && target !== undefined ? { ...origin, target } : origin;
    const subject = await this.host.engine.ask(event, asked).catch((error: unknown) => {
      noteRefused(context, error, this.gate.tell, target);
      throw error;
    });
    markTold(context);
    if (changesAccess.has(event.kind)) this.lookAgain();
    return subject;
  }

  start(): void {
    const look = setInterval(() => this.lookAgain(), lookAgainMs).unref();
    const trim = setInterval(() => this.trim(), trimMs).unref();
    this.timers = [look, trim, setTimeout(() => this.trim(), trimPauseMs).unref()];
  }

  /** Calls first, which are told why. */
  private lookAgain(): void {
    this.openCalls.lookAgain();
    this.host.fallen();
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.uses.flush();
  }

  /** A little at a time, with time for others between. */
  private trim(): void {
    const { auditRetention, auditEntries } = this.options;
    try {
      const more = this.host.audit.trim(this.host.engine.now() - auditRetention, auditEntries);
      if (more) this.timers.push(setTimeout(() => this.trim(), trimPauseMs).unref());
    } catch (error) {
      this.host.log.error({ err: error }, "old entries of the audit log can't be dropped");
    }
  }

  private credential(caller: Caller): string {
    if (caller.kind === "node") return "node certificate";
    if (caller.kind === "unproven-node") return "coordinator's token";
    if (caller.kind === "anonymous") return "";
    if (caller.isBootstrap) return "coordinator's token";
    const token = caller.token && this.host.engine.state.access.apiTokens.get(caller.token);
    return token ? `${token.kind} ${token.name}` : "one that was revoked";
  }
}

function accessPorts(options: GuardOptions, { engine }: GuardHost): Omit<AccessPorts, "credential" | "usedAt"> {
  const passwords = new Passwords();
  const names = new Throttle(nameTries, () => engine.now());
  const peers = new Throttle(peerTries, () => engine.now());
  const oidc = oidcOf(options);
  return {
    hash: (password) => passwords.hash(password),
    async checkPassword(name, password, peer) {
      const [known, address] = [name.slice(0, 100), peer.replace(/:\d+$/, "")];
      names.refuse(known);
      peers.refuse(address);
      const find = () => {
        const uuid = engine.state.access.userByName.get(name);
        return uuid && engine.state.access.users.get(uuid);
      };
      const right = password !== "" && (await passwords.matches(password, find()?.passwordHash));
      // Of many that came at once, those after the first few learn nothing.
      names.refuse(known);
      peers.refuse(address);
      if (!right || find() === undefined) {
        names.wrong(known);
        peers.wrong(address);
        throw new Fault("unauthenticated", "the name or the password is wrong");
      }
      names.right(known);
    },
    newToken: newTokenSecret,
    ...(oidc ? { identityProvider: new IdentityProvider(oidc) } : {}),
    signInLifeMs: options.signInLife,
    userCertificateLifeMs: options.userCertificateLife,
  };
}

function oidcOf(options: GuardOptions): OidcSettings | undefined {
  if (options.oidcIssuer === "") return undefined;
  return {
    issuer: options.oidcIssuer,
    clientId: options.oidcClientId,
    scopes: options.oidcScopes,
    userClaim: options.oidcUserClaim,
    groupsClaim: options.oidcGroupsClaim,
  };
}

/** `administrator`, or `contributor@vision`. */
export function groupRolesOf(given: Record<string, string>): Record<string, GroupRole> {
  return Object.fromEntries(
    Object.entries(given).map(([group, text]) => {
      if (text === "administrator") return [group, { role: "administrator" }];
      const [word, workspace, ...rest] = text.split("@");
      const role = roles.find((each) => each === word);
      if (role === undefined || !workspace || rest.length > 0) {
        const expected = `administrator, or ROLE@WORKSPACE with one of the roles ${roles.join(", ")}`;
        throw new Fault("invalid-argument", `--oidc-roles: "${group}=${text}": expected ${expected}`);
      }
      return [group, { role, workspace }];
    }),
  );
}
