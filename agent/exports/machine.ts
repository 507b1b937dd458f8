import { accessSync, constants, existsSync, readFileSync, statfsSync } from "node:fs";
import { release } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Fault } from "../../shared/fault.js";

/** What this machine has and its owner allows. */

/** What the machine's owner lets be served: whatever is named, nothing, or what lies below a folder. */
export type Offer = { kind: "named" } | { kind: "nothing" } | { kind: "folder"; path: string };

export function offerOf(value: string): Offer {
  const given = value.trim();
  if (given === "auto") return { kind: "named" };
  if (/^(off|no|false)$/i.test(given)) return { kind: "nothing" };
  if (given.startsWith("/")) return { kind: "folder", path: resolve(given) };
  throw new Fault("invalid-argument", `--serve-files: "${value}" is neither auto nor off nor an absolute path`);
}

export function isInstalled(program: string, path: string): boolean {
  return path.split(":").some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Its programs, and a kernel that has it or can load it. */
export function hasKernelServer(path: string): boolean {
  if (!isInstalled("exportfs", path) || !isInstalled("rpc.nfsd", path)) return false;
  if (/\bnfsd$/m.test(readFileSync("/proc/filesystems", "utf8"))) return true;
  const known = ["modules.dep", "modules.builtin"].map((name) => join("/lib/modules", release(), name));
  return known.some((file) => existsSync(file) && /\/nfsd\.ko/.test(readFileSync(file, "utf8")));
}

/** Of the disk that it is on, or will be: it comes with the first file server. */
export function freeBytes(folder: string): number {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  return bavail * bsize;
}

export const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);

/** No file server is worth these. */
const systemFolders = ["bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "usr"];

export const isSystem = (path: string) => path === "/" || systemFolders.some((folder) => isBelow(path, `/${folder}`));
