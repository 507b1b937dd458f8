import type { Machine } from "../machines/machine.js";
import { until } from "../machines/until.js";
import { agentFolder } from "./installation.js";
import { attemptProcesses } from "./processes.js";
import type { Site } from "./site.js";

/** Mounts, and folders of attempts, in the agent's data folder; control groups of leases. */
const search = `
grep -o ' ${agentFolder}/[^ ]*' /proc/mounts | sed 's/^/mount/'
for folder in ${agentFolder}/spool/* ${agentFolder}/ledger/*; do [ ! -e "$folder" ] || echo "folder $folder"; done
find /sys/fs/cgroup -type d -path '*/stoker-agent.service/stoker-*' | sed 's/^/control group /'
find ${agentFolder}/jobs -type f 2>/dev/null | head -3 | sed 's/^/file /'
:`;

export async function leftoversOn(machine: Machine): Promise<string[]> {
  const processes = await attemptProcesses(machine);
  const others = (await machine.shell(search)).split("\n").filter((line) => line !== "");
  return [...processes.map(({ pid, state, command }) => `process ${pid} ${state} ${command}`), ...others];
}

/** Waits until no machine that is on holds anything of any attempt. */
export async function nothingLeft(site: Site): Promise<void> {
  let found: string[] = [];
  const clean = async () => {
    const machines = site.stage.lab.machines.filter(({ on }) => on);
    const perMachine = await Promise.all(
      machines.map(async (machine) => ({ name: machine.name, lines: await leftoversOn(machine) })),
    );
    found = perMachine.flatMap(({ name, lines }) => lines.map((line) => `${name}: ${line}`));
    return found.length === 0;
  };
  try {
    await until("nothing is left of any attempt", clean, 15_000 * site.stage.slowness, 500);
  } catch (cause) {
    throw new Error(`left behind:\n${found.join("\n")}`, { cause });
  }
}
