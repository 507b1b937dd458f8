import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** `flags`: more of the compiler's, as `-static` for machines with other libraries than this host. */
export function compileRank(target: string, ...flags: string[]): void {
  const strict = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"];
  execFileSync("gcc", [...strict, ...flags, "-o", target, join(import.meta.dirname, "rank.c")], { stdio: "inherit" });
}
