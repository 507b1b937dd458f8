import type { Machine } from "../machines/machine.js";

export interface AttemptProcess {
  pid: number;
  /** As in /proc: `S`, `R`, `T` for a stopped one, and so on. `T` also for one whose control group is frozen, which /proc does not tell. */
  state: string;
  lease: string;
  command: string;
}

/** One line for each process that runs for an attempt, by what is in its environment. */
const search = `
frozen() {
  group=$(sed -n 's/^0:://p' $1/cgroup)
  grep -qs 'frozen 1' /sys/fs/cgroup/unified$group/cgroup.events /sys/fs/cgroup$group/cgroup.events
}
for environment in $(grep -lzs '^STOKER_LEASE=' /proc/[0-9]*/environ); do
  folder=\${environment%/environ}
  { read -r status <$folder/stat
    frozen $folder && status=$(echo "$status" | sed 's/) [A-Z] /) T /')
    lease=$(grep -zs ^STOKER_LEASE= $environment | tr '\\0' '|')
    # Empty when it has ended meanwhile.
    [ -n "$lease" ] && echo "$status|$lease$(tr '\\0\\n' '  ' <$folder/cmdline)"; } 2>/dev/null
done
:`;

export async function attemptProcesses(machine: Machine): Promise<AttemptProcess[]> {
  const lines = (await machine.shell(search)).split("\n").filter((line) => line !== "");
  return lines.map(parse).filter(({ state }) => state !== "Z");
}

function parse(line: string): AttemptProcess {
  const [, pid, state, lease, command] = /^(\d+) \(.*\) (\w) .*?\|STOKER_LEASE=([^|]*)\|(.*)$/.exec(line) ?? [];
  if (pid === undefined || state === undefined || lease === undefined) throw new Error(`no process: ${line}`);
  return { pid: Number(pid), state, lease, command: command?.trim() ?? "" };
}
