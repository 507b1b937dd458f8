import { execFileSync } from "node:child_process";
import { Fault } from "../../shared/fault.js";

/** How this machine stops a lease's processes. */
export interface Freezer {
  /** The control group that may be divided among the leases; undefined: each process gets SIGSTOP. */
  groups: string | undefined;
  /** For people. */
  name: "cgroup v2" | "SIGSTOP";
  why: string;
}

/** `stoker-shim` looks and chooses. `setting`: auto, off, or a group's folder. */
export function chooseFreezer(shimPath: string, setting: string): Freezer {
  let said: string;
  try {
    said = execFileSync(shimPath, ["freezer", setting], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const words = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    throw new Fault("invalid-argument", `--cgroup: ${words.replace(/^stoker-shim: /, "")}`);
  }
  const [, word, rest = ""] = /^(\S+) (.*)\n$/s.exec(said) ?? [];
  return word === "cgroup"
    ? { groups: rest, name: "cgroup v2", why: rest }
    : { groups: undefined, name: "SIGSTOP", why: rest };
}
