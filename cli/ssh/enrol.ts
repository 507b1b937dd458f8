import type { PackageFile } from "./packages.js";
import { quoted, type Ran, type Ssh } from "./ssh.js";

/** How a host is, before anything is done to it. */
export interface Probe {
  name: string;
  /** Debian's word; empty where there is no dpkg. */
  architecture: string;
  /** Of stoker-agent; empty when it is not installed. */
  version: string;
  /** That version is the one at hand, or a newer one. */
  isUpToDate: boolean;
  /** The node that it is of some coordinator; empty when it has not joined. */
  joinedAs: string;
  /** Put before what only root may do. */
  sudo: "" | "sudo -n ";
}

/** What went wrong with one host, in one line. */
export class HostFailure extends Error {}

const probeScript = (version: string) => `
echo name=$(hostname)
echo architecture=$(dpkg --print-architecture 2>/dev/null)
echo version=$(dpkg-query -W -f='\${db:Status-Abbrev}\${Version}' stoker-agent 2>/dev/null | sed -n 's/^ii *//p')
dpkg --compare-versions "$(dpkg-query -W -f='\${Version}' stoker-agent 2>/dev/null)" ge ${quoted(version)} && echo fresh=yes
if [ "$(id -u)" = 0 ]; then echo root=yes; root=; elif sudo -n true 2>/dev/null; then echo root=sudo; root="sudo -n"; else echo root=no; root=false; fi
echo joined=$($root sed -n 's/^ *"node": "\\(.*\\)",*$/\\1/p' /var/lib/stoker-agent/identity/identity.json 2>/dev/null)
true`;

/** `version`: of the package at hand, if there is one. */
export async function probe(ssh: Ssh, version = ""): Promise<Probe> {
  const ran = await ssh.run(probeScript(version));
  if (ran.code === 255)
    throw new HostFailure(
      `ssh can't get in: ${lastLine(ran).replace(/\.$/, "")}; \`ssh ${ssh.host} true\` must work without a password (ssh-copy-id ${ssh.host})`,
    );
  if (ran.code !== 0) throw new HostFailure(`it could not be looked at: ${lastLine(ran)}`);
  const told = new Map(
    [...ran.stdout.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = "", value = ""]) => [key, value.trim()]),
  );
  const value = (key: string) => told.get(key) ?? "";
  if (value("root") === "no") {
    throw new HostFailure(
      "this user is not root there, and sudo wants a password: give root@HOST, or allow sudo without one",
    );
  }
  if (value("architecture") === "") throw new HostFailure("it is no Debian or Ubuntu: there is no dpkg");
  return {
    ...{ name: value("name"), architecture: value("architecture"), version: value("version") },
    isUpToDate: value("fresh") === "yes",
    joinedAs: value("joined"),
    sudo: value("root") === "sudo" ? "sudo -n " : "",
  };
}

/** The packages for this host, or nothing when it has them already. */
export function missingPackages(
  host: Probe,
  packages: readonly PackageFile[],
): PackageFile[] | "none" | "from its repository" {
  const agent = packages.find((each) => each.package === "stoker-agent");
  if (!agent) return host.version === "" ? "from its repository" : "none";
  if (host.version !== "" && host.isUpToDate) return "none";
  const fitting = packages.filter(({ architecture }) => architecture === host.architecture || architecture === "all");
  if (fitting.length < packages.length) {
    throw new HostFailure(
      `it is ${host.architecture}, and the packages are for ${agent.architecture}: give those with --package`,
    );
  }
  return fitting;
}

export async function install(ssh: Ssh, { sudo }: Probe, files: PackageFile[] | "from its repository"): Promise<void> {
  // What the machine's owner has changed in agent.yaml stays: nobody is there to be asked.
  const own = "-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold";
  const apt = `${sudo}env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300`;
  // A bare machine may have no lists of packages yet, or old ones.
  const installed = (what: string) => {
    const install = `${apt} ${own} install -qy ${what} </dev/null`;
    return `${install} || { ${apt} update -q; ${install}; }`;
  };
  const ran = Array.isArray(files)
    ? await ssh.runWithFiles(
        `set -e; folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; tar -C "$folder" -xf -; ${installed('"$folder"/*.deb')}`,
        files,
      )
    : await ssh.run(installed("stoker-agent"));
  if (ran.code !== 0) throw new HostFailure(`apt-get could not install stoker-agent: ${aptError(ran)}`);
}

/** The token is a secret: it goes by stdin, where no list of processes shows it. */
export async function join(ssh: Ssh, { sudo, joinedAs }: Probe, address: string, token: string): Promise<string> {
  // An agent that runs as what this machine was before would go on as that.
  const anew = joinedAs === "" ? "" : ` && ${sudo}systemctl try-restart stoker-agent`;
  const ran = await ssh.run(`${sudo}stoker-agent join ${quoted(address)} -${anew}`, `${token}\n`);
  if (ran.code !== 0) throw new HostFailure(`it could not join: ${lastLine(ran)}`);
  const name = /\bas node (\S+?)\.?\s*$/m.exec(ran.stdout)?.[1];
  if (name === undefined) throw new HostFailure(`it has joined, and did not say as which node: ${lastLine(ran)}`);
  return name;
}

const aptError = (ran: Ran) => /^E: .*/m.exec(ran.stderr)?.[0] ?? lastLine(ran);

function lastLine({ stdout, stderr, code }: Ran): string {
  const lines = `${stdout}\n${stderr}`.trim().split("\n");
  return (
    lines
      .at(-1)
      ?.replaceAll(/\p{Cc}+/gu, " ")
      .trim() || `exit code ${code}`
  );
}
