import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { usage } from "../failure.js";

export interface PackageFile {
  folder: string;
  name: string;
  /** Of Debian: `stoker-agent`, and so on. */
  package: string;
  version: string;
  architecture: string;
}

/** Where the coordinator's machine may keep a copy for all others. */
export const sharedFolder = "/usr/share/stoker/packages";

/** Those that were named, with what they need; else those of this folder or the shared one, the newest. Empty: the hosts have a repository of their own. */
export function packagesAt(named: readonly string[], folder: string): PackageFile[] {
  if (named.length > 0) return named.map((path) => packageFile(resolve(folder, path)));
  for (const place of [folder, sharedFolder]) {
    const found = existsSync(place) ? readdirSync(place).filter((name) => /^stoker(-agent)?_.*\.deb$/.test(name)) : [];
    const all = found.map((name) => packageFile(join(place, name)));
    const newest = latest(all.filter((each) => each.package === "stoker-agent").map(({ version }) => version));
    const both = all.filter(({ version }) => version === newest);
    if (both.length > 1) return both;
  }
  return [];
}

function packageFile(path: string): PackageFile {
  if (!existsSync(path)) throw usage(`--package ${path}: there is no such file`);
  const name = basename(path);
  const [, of = "", version = "", architecture = ""] = /^([^_]+)_([^_]+)_([^_]+)\.deb$/.exec(name) ?? [];
  if (of === "") throw usage(`--package ${path}: expected a Debian package, named NAME_VERSION_ARCHITECTURE.deb`);
  return { folder: dirname(path), name, package: of, version, architecture };
}

const latest = (versions: readonly string[]): string | undefined =>
  [...versions].sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
