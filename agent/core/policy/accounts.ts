/** As whom the processes of jobs run on this machine, as its administrator says in `accounts` of agent.yaml. */
export type AccountsSetting =
  /** As mapped, where the package has made `stoker-job`; else as the agent itself. */
  | { readonly kind: "auto" }
  | { readonly kind: "agent" }
  | { readonly kind: "mapped"; readonly accounts: Readonly<Record<string, string>> };

/** An account of the machine, as its own programs tell it. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Those beside `gid`, too. */
  readonly groups: readonly number[];
  readonly home: string;
  readonly shell: string;
}

/** What the package makes, for jobs that were submitted with the coordinator's own token. */
export const jobAccount = "stoker-job";
/** In the mapping: jobs of the coordinator's own token, which belongs to no user. */
export const ofToken = "coordinator-token";
/** In the mapping: the account that is called as the user is. */
export const sameName = "same";

export const standardAccounts: Readonly<Record<string, string>> = { "*": sameName, [ofToken]: jobAccount };

/** Accounts below are the machine's own services. */
const lowestUid = 1000;
/** "nobody": who has no account there, in the words of file servers. */
const nobody = 65_534;

const accountName = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/;

export type Found = { readonly account: string } | { readonly refusal: string };

/** Which account a job of `user` gets; "" is nobody's: of the coordinator's own token. */
export function accountOf(accounts: Readonly<Record<string, string>>, user: string): Found {
  const who = user === "" ? "the coordinator's own token" : `user ${user}`;
  const own = (key: string) => (Object.hasOwn(accounts, key) ? accounts[key] : undefined);
  const mapped = user === "" ? own(ofToken) : user === ofToken ? undefined : (own(user) ?? own("*"));
  const name = mapped === sameName ? user : mapped;
  const advice = `its administrator says in /etc/stoker/agent.yaml whom they run as, such as \`accounts: {${user || ofToken}: NAME}\`, and restarts stoker-agent, which ends no job`;
  if (name === undefined || name === "")
    return { refusal: `jobs of ${who} have no account on this machine; ${advice}` };
  if (!accountName.test(name)) return { refusal: `"${name.slice(0, 80)}" can't be an account's name; ${advice}` };
  return { account: name };
}

/** Why jobs may not run as that account, or undefined. */
export function accountRefused(name: string, found: Account | undefined, allowRoot: boolean): string | undefined {
  if (!found)
    return `there is no account ${name} on this machine: make it there (of the same number on every machine: \`useradd -m -u NUMBER ${name}\`), or let /etc/stoker/agent.yaml say whom the user's jobs run as, such as \`accounts: {"*": ${jobAccount}, ${ofToken}: ${jobAccount}}\` for all, and restart stoker-agent, which ends no job`;
  if (found.uid === 0 || found.gid === 0) {
    const root = "jobs don't run as root here: the machine's owner allows that by `allowRoot: true` in the policy file";
    return found.uid === 0 && allowRoot ? undefined : root;
  }
  if (found.uid === nobody) return `account ${name} is nobody's: map the user to another in /etc/stoker/agent.yaml`;
  if (found.uid >= lowestUid || name === jobAccount) return undefined;
  return `account ${name} is one of the machine's own (uid ${found.uid}, below ${lowestUid}): map the user to another in /etc/stoker/agent.yaml`;
}

/** As `stoker-shim … --as` takes it: never root's group, whatever a directory service says. */
export const inNumbers = ({ uid, gid, groups }: Pick<Account, "uid" | "gid" | "groups">): string =>
  [uid, gid, ...groups.filter((group) => group !== 0)].join(" ");

/** For people. */
export const mappingInWords = (mapping: Readonly<Record<string, string>>): string =>
  Object.entries(mapping)
    .map(([user, account]) => {
      const who = user === "*" ? "everybody else" : user;
      return `${who}: ${account === sameName ? "the account of the same name" : account}`;
    })
    .join("; ");

/** What its processes take for themselves of it. */
export function accountVariables({ name, home, shell }: Account): Record<string, string> {
  const usable = shell.startsWith("/") && !/\/(?:nologin|false)$/.test(shell);
  return { HOME: home, USER: name, LOGNAME: name, SHELL: usable ? shell : "/bin/bash" };
}
