import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";

/** Where control groups of version 2 are, on a host that has only them or both. */
const roots = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/** A new group that agents can divide among their leases; undefined where this process may not, and they freeze by SIGSTOP. */
export function makeGroup(name: string, shim: string): string | undefined {
  const root = roots.find((path) => existsSync(join(path, "cgroup.procs")));
  if (root === undefined || spawnSync(shim, ["freezer", root], { stdio: "ignore" }).status !== 0) return undefined;
  const group = join(root, name);
  mkdirSync(group);
  return group;
}

export function groupsIn(group: string): string[] {
  return readdirSync(group, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(group, entry.name));
}

/** Of one that holds no processes any more. */
export function removeGroup(group: string): void {
  for (const below of groupsIn(group)) removeGroup(below);
  rmdirSync(group);
}
