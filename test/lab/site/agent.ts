import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../machines/machine.js";
import { labFolder } from "../machines/settings.js";
import { checkout } from "./bundle.js";
import { coordinatorAddress } from "./coordinator.js";

export const agentFolder = "/var/lib/stoker-agent";

/** Installs the agent as an administrator would: files, account, configuration, unit. */
export async function installAgent(machine: Machine, bundle: string, tokenPath: string): Promise<void> {
  await machine.push(bundle, "/usr/lib");
  const configuration = join(labFolder, "bundle", "etc", "stoker");
  mkdirSync(configuration, { recursive: true });
  writeFileSync(
    join(configuration, "agent.yaml"),
    `coordinator: ${coordinatorAddress}\ntoken-file: /etc/stoker/token\n`,
  );
  cpSync(tokenPath, join(configuration, "token"));
  await machine.push(join(checkout, "systemd"), "/root");
  await machine.shell(
    [
      "set -e",
      "cd /root/systemd",
      "install -Dm644 stoker.sysusers /usr/lib/sysusers.d/stoker.conf",
      "install -Dm644 stoker.tmpfiles /usr/lib/tmpfiles.d/stoker.conf",
      "install -Dm644 stoker-agent.service stoker-coordinator.service -t /etc/systemd/system",
      "systemd-sysusers && systemd-tmpfiles --create stoker.conf",
    ].join("\n"),
  );
  await machine.push(configuration, "/etc");
  await machine.shell("systemctl daemon-reload && systemctl enable --now stoker-agent");
}
