import { type Check, type Finding, fail, ok, warn } from "../../../shared/doctor/finding.js";
import type { Machine } from "../../../shared/doctor/machine.js";
import { jobAccount, mappingInWords, sameName, standardAccounts } from "../../core/policy/accounts.js";
import type { AgentWorld } from "../world.js";

/** As systemd/stoker-agent.sysusers has it. */
const number = 60_741;
const makeIt = `useradd --system -u ${number} -U -d /nonexistent -s /usr/sbin/nologin ${jobAccount}`;
const restart = "systemctl restart stoker-agent";

/** As whom jobs run here. */
export const accounts: Check<AgentWorld> = {
  name: "accounts",
  async look({ machine, accounts: setting = { kind: "auto" } }) {
    const own = await numberOf(machine, jobAccount);
    const isRoot = (await machine.run(["id", "-u"]))?.stdout.trim() === "0";
    const mapping = setting.kind === "mapped" ? setting.accounts : own === undefined ? undefined : standardAccounts;
    const found: Finding[] = [];
    if (isRoot && (setting.kind === "agent" || mapping === undefined)) {
      const remedy =
        setting.kind === "agent"
          ? `accounts: auto in /etc/stoker/agent.yaml, then: ${restart}`
          : `${makeIt} && ${restart}`;
      found.push(warn("all jobs run as root here: who may submit one has all of this machine", remedy));
    } else if (mapping !== undefined && setting.kind !== "agent") {
      found.push(...(await missing(machine, mapping)));
      if (found.length === 0) found.push(ok(`jobs run as accounts of this machine (${mappingInWords(mapping)})`));
    }
    if (own !== undefined && own !== number) {
      const words = `${jobAccount} is ${own} here, and ${number} elsewhere: processes of one job can't share files with each other`;
      found.push(
        warn(words, `drain the node, then: usermod -u ${number} ${jobAccount} && groupmod -g ${number} ${jobAccount}`),
      );
    }
    return found;
  },
};

/** Those that the mapping names. */
async function missing(machine: Machine, mapping: Readonly<Record<string, string>>): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const [user, account] of Object.entries(mapping)) {
    if (account === sameName || (await numberOf(machine, account)) !== undefined) continue;
    const whose = user === "*" ? "everybody whom it does not name" : user;
    const words = `\`accounts\` has the jobs of ${whose} run as ${account}, and there is no such account: they are refused`;
    found.push(fail(words, account === jobAccount ? makeIt : `useradd -m ${account}`));
  }
  return found;
}

/** Undefined: there is none, or nobody knows. */
async function numberOf(machine: Machine, name: string): Promise<number | undefined> {
  const found = await machine.run(["getent", "passwd", name]);
  const uid = found?.stdout.split(":")[2];
  return found?.code === 0 && uid !== undefined ? Number(uid) : undefined;
}
