import type { Machine } from "./machine.js";

/**
 * A hard limit as the unit's processes have it, such as "65536" or "unlimited"; undefined: nobody knows. Whoever runs a doctor in a shell
 * has that shell's limits, which say nothing of the daemon.
 */
export async function limitOf(machine: Machine, unit: string, name: string): Promise<string | undefined> {
  const running = await machine.run(["systemctl", "show", "--property=MainPID", "--value", unit]);
  const pid = /^[1-9]\d*$/.exec(running?.stdout.trim() ?? "")?.[0] ?? "self";
  const limits = machine.read(`/proc/${pid}/limits`) ?? machine.read("/proc/self/limits") ?? "";
  return new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, "m").exec(limits)?.[1];
}
