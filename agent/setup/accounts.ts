import { join } from "node:path";
import type { Logger } from "pino";
import type { AdminAccountPlan } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import { runLimited } from "../limited.js";
import type { AdminAccounts } from "../ports.js";
import { JsonFile } from "./json-file.js";

/** An account that this node has made for a cluster. */
interface Made {
  name: string;
  /** Of the preparation that wanted it last. */
  id: string;
  /** Its one line of authorized_keys that is ours. */
  key: string;
  /** 0 until it was seen to exist. */
  uid: number;
  active: boolean;
}

export interface AccountsOptions {
  folder: string;
  /** The machine's owner lets clusters have them, at this moment. */
  allowed(): boolean;
}

const limitMs = 30_000;
const environment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };
const namePattern = /^[A-Za-z_][-.\w]{0,31}$/;
/** Names that programs give a meaning to, whether the account exists or not. */
const reserved = /^(root|admin|administrator|wheel|sudo|daemon|bin|sys|nobody|www-data|systemd-.*|_.*)$/i;

/**
 * Admin accounts of clusters: made with useradd, and locked, without their key, when the node leaves; homes stay. What was made is on record, so
 * that an account that was here before is never touched.
 */
export class Accounts implements AdminAccounts {
  private readonly file: JsonFile<Made[]>;
  /** One change at a time. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly options: AccountsOptions,
    private readonly log: Logger,
  ) {
    this.file = new JsonFile(join(options.folder, "accounts.json"), isMade);
  }

  /** Resolves with what went wrong, in words; undefined when it is there. */
  make(id: string, account: AdminAccountPlan): Promise<string | undefined> {
    return this.inTurn(() => this.makeNow(id, account));
  }

  /** Locks all that were made but one. */
  clear(keep: string): Promise<string | undefined> {
    return this.inTurn(async () => {
      const problems: string[] = [];
      for (const made of this.made()) {
        if (!made.active || (made.name === keep && this.options.allowed())) continue;
        const problem = await this.lock(made);
        if (problem !== undefined) problems.push(`the account ${made.name} could not be locked: ${problem}`);
      }
      return problems.length === 0 ? undefined : problems.join("; ");
    });
  }

  private async makeNow(id: string, account: AdminAccountPlan): Promise<string | undefined> {
    const { name } = account;
    const not = (why: string) => `the admin account ${name} was not made: ${why}`;
    const known = this.made().find((made) => made.name === name);
    if (!this.options.allowed()) {
      // It was, when this account was made.
      const left = known?.active ? await this.lock(known) : undefined;
      const still = left === undefined ? "" : `; the one of before could not be locked: ${left}`;
      return not(`this machine's owner does not allow it (stoker-agent --allow-admin-accounts)${still}`);
    }
    if (known?.active && known.id === id) return undefined;
    const wrong = objection(account);
    if (wrong !== undefined) return not(wrong);
    const present = await uidOf(name);
    if (present !== undefined && known?.uid !== present && !(known?.uid === 0 && present >= 1000)) {
      return not("the machine has an account of that name, which Stoker has not made");
    }
    // On record first: a crash in between must not make it a stranger.
    this.remember({ name, id: "", key: known?.key ?? "", uid: present ?? 0, active: true });
    const problem = await this.create(account, present !== undefined, known?.key ?? "");
    const uid = await uidOf(name);
    const key = account.sshPublicKey.trim();
    if (uid === undefined) this.forget(name);
    else this.remember({ name, id: problem === undefined ? id : "", key, uid, active: true });
    if (problem === undefined) this.log.info({ account: name }, "the cluster's admin account is there");
    return problem === undefined ? undefined : not(problem);
  }

  private async create(account: AdminAccountPlan, exists: boolean, formerKey: string): Promise<string | undefined> {
    const { name, password } = account;
    const key = account.sshPublicKey.trim();
    const base = exists
      ? ["usermod", "--expiredate", "", "--shell", "/bin/bash", name]
      : ["useradd", "--create-home", "--shell", "/bin/bash", "--comment", "Stoker admin account", name];
    const steps: Array<() => Promise<string | undefined>> = [
      () => run(base),
      async () =>
        (await run(["getent", "group", "sudo"])) === undefined ? run(["usermod", "-aG", "sudo", name]) : undefined,
      () => (password === "" ? run(["usermod", "--lock", name]) : run(["chpasswd"], `${name}:${password}\n`)),
      () => (formerKey !== "" && formerKey !== key ? this.key(name, "remove", formerKey) : Promise.resolve(undefined)),
      () => (key === "" ? Promise.resolve(undefined) : this.key(name, "add", key)),
    ];
    for (const step of steps) {
      const problem = await step();
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  private async lock(made: Made): Promise<string | undefined> {
    const uid = await uidOf(made.name);
    // Somebody has removed it, or made another in its place.
    if (uid === undefined || (made.uid !== 0 && uid !== made.uid)) {
      this.forget(made.name);
      return undefined;
    }
    const unkeyed = made.key === "" ? undefined : await this.key(made.name, "remove", made.key);
    const locked = await run(["usermod", "--lock", "--expiredate", "1", made.name]);
    const inSudo = (await run(["getent", "group", "sudo"])) === undefined;
    // Fails when it is no member, which is what is wanted.
    if (inSudo) await run(["gpasswd", "--delete", made.name, "sudo"]);
    const problem = locked ?? unkeyed;
    if (problem === undefined) {
      this.remember({ ...made, id: "", uid, active: false });
      this.log.info({ account: made.name }, "the admin account of the former cluster is locked");
    }
    return problem;
  }

  /** As the account itself, in its home: what is there is its own, links included. */
  private async key(name: string, what: "add" | "remove", key: string): Promise<string | undefined> {
    const home = await homeOf(name);
    if (home === undefined) return "it has no home";
    return run(["runuser", "-u", name, "--", "/bin/sh", "-c", keyScript, "sh", home, what], `${key}\n`);
  }

  private made(): Made[] {
    return this.file.read() ?? [];
  }

  private remember(made: Made): void {
    this.file.write([...this.made().filter(({ name }) => name !== made.name), made]);
  }

  private forget(gone: string): void {
    this.file.write(this.made().filter(({ name }) => name !== gone));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work, work);
    this.last = mine;
    return mine;
  }
}

function objection({ name, sshPublicKey, password }: AdminAccountPlan): string | undefined {
  if (!namePattern.test(name)) return "that can't be an account's name";
  if (reserved.test(name)) return "that name is reserved";
  if (/[\n\r\0]/.test(sshPublicKey.trim())) return "its key is more than one line";
  if (/[\n\r\0]/.test(password)) return "its password holds a line break";
  return undefined;
}

function isMade(found: unknown): found is Made[] {
  return (
    Array.isArray(found) &&
    found.every(
      (each: Partial<Made>) =>
        typeof each?.name === "string" && typeof each.key === "string" && Number.isSafeInteger(each.uid),
    )
  );
}

/** What went wrong, in words. */
async function run(argv: [string, ...string[]] | string[], input?: string): Promise<string | undefined> {
  const [program = "false", ...rest] = argv;
  const { problem, words } = await runLimited({
    argv: [program, ...rest],
    timeoutMs: limitMs,
    environment,
    ...(input === undefined ? {} : { input }),
  });
  return problem === undefined ? undefined : `${program}: ${words === "" ? problem : words}`;
}

async function passwd(name: string): Promise<string[] | undefined> {
  const { problem, words } = await runLimited({ argv: ["getent", "passwd", name], timeoutMs: limitMs, environment });
  return problem === undefined ? words.split(":") : undefined;
}

async function uidOf(name: string): Promise<number | undefined> {
  const uid = Number((await passwd(name))?.[2] ?? Number.NaN);
  return Number.isSafeInteger(uid) ? uid : undefined;
}

const homeOf = async (name: string) => (await passwd(name))?.[5];

const keyScript = `
umask 077
IFS= read -r key || exit
cd -- "$1" && mkdir -p .ssh && cd .ssh && touch authorized_keys || exit
if [ "$2" = add ]; then
  grep -qxF -- "$key" authorized_keys || printf '%s\\n' "$key" >> authorized_keys
else
  grep -vxF -- "$key" authorized_keys > authorized_keys.new
  cat authorized_keys.new > authorized_keys && rm -f authorized_keys.new
fi
`;
