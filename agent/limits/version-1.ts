import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";

type Controller = "memory" | "cpu" | "pids" | "devices";

/** The folder in which groups can be made, by controller. */
export type Hierarchies = Partial<Record<Controller, string>>;

/** Where this process's own group of each of these controllers can be divided. */
export function hierarchies(wanted: readonly Controller[], probe: string): Hierarchies {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  const own = readFileSync("/proc/self/cgroup", "utf8");
  const found: Hierarchies = {};
  for (const controller of wanted) {
    const mount = mountOf(mounts, controller);
    const group = groupOf(own, controller);
    if (mount === undefined || group === undefined) continue;
    const folder = join(mount, group);
    if (isDivisible(join(folder, `${probe}probe-${process.pid}`))) found[controller] = folder;
  }
  return found;
}

function isDivisible(probe: string): boolean {
  try {
    mkdirSync(probe);
    rmdirSync(probe);
    return true;
  } catch {
    // Not ours to divide, or not there: then there are no limits of that kind, which the inventory says.
    return false;
  }
}

/** `… / /sys/fs/cgroup/memory … - cgroup cgroup rw,memory` */
function mountOf(mountinfo: string, controller: string): string | undefined {
  for (const line of mountinfo.split("\n")) {
    const [front = "", back] = line.split(" - ");
    const [kind, , options = ""] = back?.split(" ") ?? [];
    const [, , , root, at] = front.split(" ");
    if (kind === "cgroup" && root === "/" && options.split(",").includes(controller)) return at;
  }
  return undefined;
}

/** `4:memory:/user.slice` */
function groupOf(cgroups: string, controller: string): string | undefined {
  for (const line of cgroups.split("\n")) {
    const [, names = "", path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (names.split(",").includes(controller)) return path;
  }
  return undefined;
}
