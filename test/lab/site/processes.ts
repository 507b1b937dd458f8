import type { Machine } from "../machines/machine.js";

export interface AttemptProcess {
  pid: number;
  /** As in /proc: `S`, `R`, `T` for a stopped one, and so on. */
  state: string;
  lease: string;
  command: string;
}

/** One line for each process that runs for an attempt, by what is in its environment. */
const search = `
for environment in $(grep -lzs '^STOKER_LEASE=' /proc/[0-9]*/environ); do
  folder=\${environment%/environ}
  { read -r status <$folder/stat && echo "$status|$(grep -zs ^STOKER_LEASE= $environment; tr '\\0' ' ' <$folder/cmdline)"; } 2>/dev/null
done
:`;

export async function attemptProcesses(machine: Machine): Promise<AttemptProcess[]> {
  const lines = (await machine.shell(search)).split("\n").filter((line) => line !== "");
  return lines.flatMap((line) => {
    const found = /^(\d+) \(.*\) (\w) .*?\|STOKER_LEASE=([^\0]*)\0(.*)$/.exec(line);
    const [, pid, state = "", lease = "", command = ""] = found ?? [];
    return pid === undefined || state === "Z" ? [] : [{ pid: Number(pid), state, lease, command: command.trim() }];
  });
}
