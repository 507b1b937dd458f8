import { createHmac, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Logger } from "pino";
import { Fault } from "../../shared/fault.js";
import type { LeaseId } from "../../shared/ids.js";
import {
  type Account,
  type AccountsSetting,
  accountOf,
  accountRefused,
  jobAccount,
  mappingInWords,
  standardAccounts,
} from "../core/policy/accounts.js";
import type { Apartness } from "./apartness.js";
import { lookUpAccount } from "./look-up.js";

export interface ConfinementsHost {
  data: string;
  spoolRoot: string;
  /** Seen by those whose path to the agent's socket would be hidden, as /run/stoker. */
  door: string | undefined;
  setting: AccountsSetting;
  /** Where `getent` and `id` are looked for. */
  path: string;
  isRoot: boolean;
  apartness: Pick<Apartness, "compartments" | "hiding">;
  /** The owner's word, asked at each lease. */
  allowRoot(): boolean;
}

/** A lease whose processes are an account's. */
export interface Confinement {
  readonly account: Account;
  /** For `stoker-shim`. */
  readonly file: string;
  readonly pass: string;
}

type Mapping = Readonly<Record<string, string>>;

/** A user whose jobs can't run here for want of an account; "" is nobody's: of the coordinator's own token. */
export interface Refused {
  readonly user: string;
  readonly reason: string;
}

const refusalsMax = 200;

/** An account that was found stays so for some time: a sweep asks a thousand times. */
const believedMs = 30_000;

/** Which account each lease's processes are, and the file in the lease's spool folder that tells `stoker-shim`. */
export class Confinements {
  private readonly known = new Map<LeaseId, Confinement>();
  private readonly asked = new Map<string, { at: number; found: Promise<Account | undefined> }>();
  private readonly temps: string;
  private mapping: Promise<Mapping | undefined> | undefined;
  private secret: Buffer | undefined;
  private readonly refusals = new Map<string, { reason: string; at: number }>();

  constructor(
    private readonly host: ConfinementsHost,
    private readonly log: Pick<Logger, "debug">,
  ) {
    this.temps = join(host.data, "tmp");
  }

  /** In words, for the inventory. */
  async inWords(): Promise<string> {
    if (!this.host.isRoot) return "all as the agent's own account, which is not root";
    const mapping = await this.accounts();
    if (!mapping) return "all as root, the agent's own account";
    return mappingInWords(mapping);
  }

  /** Whether jobs run as accounts of their own at all. */
  async isOn(): Promise<boolean> {
    return this.host.isRoot && (await this.accounts()) !== undefined;
  }

  /**
   * Before anything of the lease is started. `groups`: control groups of version 1 that its processes join. Undefined: they run as the agent
   * does. Throws a Fault where they may run as nobody.
   */
  async prepare(
    lease: LeaseId,
    user: string,
    groups: readonly string[],
    /** Its job's own folder, of all those in `among`. */
    temp?: { own: string; among: string },
  ): Promise<Confinement | undefined> {
    const mapping = this.host.isRoot ? await this.accounts() : undefined;
    if (!mapping) return undefined;
    const account = await this.accountOf(mapping, user);
    if ("refusal" in account) throw new Fault("permission-denied", account.refusal);
    if (account.uid === 0) return undefined;
    const dir = join(this.host.spoolRoot, lease);
    put(join(dir, "confine"), this.fileText(lease, account, groups, temp));
    put(join(dir, "account.json"), JSON.stringify(account));
    return this.keep(lease, account);
  }

  /** Those whose jobs this machine has refused, and would refuse still: looked at again now and then, as accounts are made. */
  refused(): Refused[] {
    const now = Date.now();
    for (const [user, { at }] of this.refusals) if (now - at > believedMs) this.lookAgain(user);
    return [...this.refusals].map(([user, { reason }]) => ({ user, reason }));
  }

  /** Whether this user's jobs may run here, before one comes: told by `refused`. */
  async lookAhead(user: string): Promise<void> {
    const mapping = this.host.isRoot ? await this.accounts() : undefined;
    if (mapping) await this.accountOf(mapping, user);
  }

  /** With whose rights the files of this user's jobs are read; undefined: the agent's own. Throws a Fault where the user has no account. */
  async reader(user: string): Promise<Account | undefined> {
    const mapping = this.host.isRoot ? await this.accounts() : undefined;
    if (!mapping) return undefined;
    const account = await this.accountOf(mapping, user);
    if ("refusal" in account) throw new Fault("unavailable", account.refusal);
    return account.uid === 0 ? undefined : account;
  }

  /** Undefined: it runs as the agent does, or was begun by an earlier release. */
  of(lease: LeaseId): Confinement | undefined {
    const known = this.known.get(lease);
    if (known) return known;
    const file = join(this.host.spoolRoot, lease, "account.json");
    return existsSync(file) ? this.keep(lease, JSON.parse(readFileSync(file, "utf8")) as Account) : undefined;
  }

  /** The folder is to be the account's, with these in it, which are made. Nothing of the account's has run in it. */
  give(lease: LeaseId, folder: string, within: readonly string[]): void {
    const found = this.of(lease);
    if (!found) return;
    const { uid, gid } = found.account;
    for (const path of within) {
      mkdirSync(path, { recursive: true });
      for (let at = path; at.startsWith(`${folder}/`); at = dirname(at)) lchownSync(at, uid, gid);
    }
    // Last of all: what was made before lies in a folder of root's.
    chmodSync(folder, 0o700);
    lchownSync(folder, uid, gid);
  }

  /** What its processes leave in /tmp and /var/tmp. */
  tempOf(lease: string): string {
    return join(this.temps, lease);
  }

  /** The temps of leases that nobody holds. */
  leftBehind(held: ReadonlySet<string>): string[] {
    const names = existsSync(this.temps) ? readdirSync(this.temps) : [];
    return names.filter((name) => !held.has(name)).map((name) => this.tempOf(name));
  }

  forget(lease: LeaseId): void {
    this.known.delete(lease);
  }

  private async accountOf(mapping: Mapping, user: string): Promise<Account | { refusal: string }> {
    const mapped = accountOf(mapping, user);
    const account = "account" in mapped ? await this.find(mapped.account) : undefined;
    const refusal =
      "refusal" in mapped ? mapped.refusal : accountRefused(mapped.account, account, this.host.allowRoot());
    this.refusals.delete(user);
    if (account && refusal === undefined) return account;
    const reason = refusal ?? "there is no account";
    if (this.refusals.size < refusalsMax) this.refusals.set(user, { reason, at: Date.now() });
    return { refusal: reason };
  }

  private lookAgain(user: string): void {
    const known = this.refusals.get(user);
    if (known) known.at = Date.now();
    this.lookAhead(user).catch((error: unknown) =>
      // Whoever is asked is away: what was known stays.
      this.log.debug({ user, err: error }, "an account could not be looked up"),
    );
  }

  private keep(lease: LeaseId, account: Account): Confinement {
    const pass = createHmac("sha256", this.key()).update(lease).digest("hex");
    const confinement = { account, file: join(this.host.spoolRoot, lease, "confine"), pass };
    this.known.set(lease, confinement);
    return confinement;
  }

  /** Survives restarts: ranks show what an earlier agent gave them. */
  private key(): Buffer {
    const path = join(this.host.data, "pass-key");
    if (!this.secret) {
      if (!existsSync(path)) put(path, randomBytes(32).toString("hex"));
      this.secret = Buffer.from(readFileSync(path, "utf8"), "hex");
    }
    return this.secret;
  }

  private fileText(
    lease: LeaseId,
    { uid, gid, groups }: Account,
    controlGroups: readonly string[],
    temp: { own: string; among: string } | undefined,
  ): string {
    const { door, apartness } = this.host;
    const kept = this.keptBelowTmp();
    const folders = this.makeTemps(lease, kept);
    return [
      ...[`uid ${uid}`, `gid ${gid}`],
      // Never root's group, whatever a directory service says.
      `groups ${groups.filter((group) => group !== 0).join(" ") || gid}`,
      ...[`tmp ${folders.tmp}`, `var-tmp ${folders.varTmp}`],
      ...(kept === undefined ? [] : [`keep ${kept}`]),
      ...(temp === undefined ? [] : [`among ${temp.among}`, `own ${temp.own}`]),
      ...(door === undefined ? [] : [`door ${door}`]),
      ...(apartness.compartments ? [`compartment ${this.tempOf(lease)}`] : []),
      ...(apartness.hiding ? ["hide processes"] : []),
      "memlock unlimited",
      ...controlGroups.map((group) => `group ${group}`),
      "",
    ].join("\n");
  }

  /** In a folder that nobody else may enter. */
  private makeTemps(lease: LeaseId, kept: string | undefined): { tmp: string; varTmp: string } {
    const dir = join(this.temps, lease);
    mkdirSync(this.temps, { recursive: true, mode: 0o700 });
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const make = (name: string, at: string) => {
      const path = join(dir, name);
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o1777);
      const inside = kept === undefined ? ".." : relative(at, kept);
      if (!inside.startsWith("..")) mkdirSync(join(path, inside), { recursive: true, mode: 0o755 });
      return path;
    };
    return { tmp: make("tmp", "/tmp"), varTmp: make("var-tmp", "/var/tmp") };
  }

  /** The agent's folder, when it lies where each lease sees a folder of its own. */
  private keptBelowTmp(): string | undefined {
    const data = realpathSync(this.host.data);
    return /^\/(?:var\/)?tmp\//.test(data) ? data : undefined;
  }

  private accounts(): Promise<Mapping | undefined> {
    const { setting } = this.host;
    if (setting.kind === "agent") return Promise.resolve(undefined);
    if (setting.kind === "mapped") return Promise.resolve(setting.accounts);
    this.mapping ??= this.find(jobAccount).then(
      (found) => (found ? standardAccounts : undefined),
      // Not known is not "none": nothing runs as root for that.
      () => standardAccounts,
    );
    return this.mapping;
  }

  private find(name: string): Promise<Account | undefined> {
    const before = this.asked.get(name);
    if (before && Date.now() - before.at < believedMs) return before.found;
    const found = lookUpAccount(name, this.host.path);
    this.asked.set(name, { at: Date.now(), found });
    // Asked again next time.
    found.then(
      (account) => account ?? this.asked.delete(name),
      () => this.asked.delete(name),
    );
    return found;
  }
}

/** Whole or not at all, for root alone. A power cut ends the lease, too. */
function put(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
