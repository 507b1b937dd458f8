import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../machines/command.js";
import type { Machine } from "../machines/machine.js";
import { labFolder } from "../machines/settings.js";
import { checkout } from "./bundle.js";

export const agentFolder = "/var/lib/stoker-agent";

/** Puts programs, account, folders and units on a machine, as a package's installation would. */
export async function installPrograms(machine: Machine, bundle: string): Promise<void> {
  await machine.push(bundle, "/usr/lib");
  await machine.push(join(checkout, "systemd"), "/root");
  await machine.shell(`
    set -e
    cd /root/systemd
    install -Dm644 stoker.sysusers /usr/lib/sysusers.d/stoker.conf
    install -Dm644 stoker.tmpfiles /usr/lib/tmpfiles.d/stoker.conf
    install -Dm644 stoker-agent.sysusers /usr/lib/sysusers.d/stoker-agent.conf
    install -Dm644 stoker-agent.tmpfiles /usr/lib/tmpfiles.d/stoker-agent.conf
    install -Dm644 -t /etc/systemd/system stoker-agent.service stoker-coordinator.service
    systemd-sysusers
    systemd-tmpfiles --create stoker.conf stoker-agent.conf
    systemctl daemon-reload
  `);
}

/** What an administrator does: starts the agent, and joins it to the coordinator with a token of its own. */
export async function enableAgent(
  machine: Machine,
  coordinator: string,
  token: string,
  settings: Record<string, string> = {},
): Promise<void> {
  const folder = join(labFolder, "etc", machine.name, "stoker");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // Jobs as root, as the scenarios' own files are.
  const lines = Object.entries({ "log-level": "info", accounts: "agent", ...settings });
  writeFileSync(join(folder, "agent.yaml"), lines.map(([name, value]) => `${name}: ${value}\n`).join(""));
  await machine.push(folder, "/etc");
  await machine.exec(["systemctl", "enable", "--now", "stoker-agent"]);
  await machine.exec(["/usr/lib/stoker/stoker-agent.js", "join", coordinator, token]);
}

/** With the example of `systemd/` as its configuration, and this host's NATS server. */
export async function enableCoordinator(machine: Machine): Promise<void> {
  const server = (await command(["sh", "-c", "command -v nats-server"])).trim();
  await machine.push(server, "/usr/local/bin");
  await machine.shell(`
    set -e
    install -Dm640 -g stoker /root/systemd/coordinator.yaml /etc/stoker/coordinator.yaml
    systemctl enable --now stoker-coordinator
  `);
}
