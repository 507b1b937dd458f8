import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, linkSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

const flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"];

/** Compiles `agent/native/*.c` to one program; static where libc allows, so that it runs inside any container. */
export function compileShim(root: string, target: string): void {
  const folder = join(root, "agent/native");
  const sources = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".c")) : [];
  if (sources.length === 0) throw new Error(`${folder} holds no C sources`);
  compile(root, target, ...sources.map((name) => join(folder, name)), "-lpthread");
  // The same program under the name that launchers of MPI are given: see agent/native/main.c.
  linkSync(target, join(dirname(target), "stoker-rsh"));
}

/** What tests GPUs, memory and network: never static, for it loads the NVIDIA driver's library. */
export function compileNodeTest(root: string, target: string): void {
  const folder = join(root, "agent/native/test");
  const sources = readdirSync(folder).filter((name) => name.endsWith(".c"));
  const words = [
    "-o",
    target,
    ...flags,
    `-ffile-prefix-map=${root}=.`,
    ...sources.map((name) => join(folder, name)),
    "-ldl",
  ];
  execFileSync("gcc", words, { stdio: "inherit" });
}

/** What both daemons speak to systemd by. */
export function compileNotify(root: string, target: string): void {
  compile(root, target, join(root, "shared/native/notify.c"));
}

function compile(root: string, target: string, ...words: string[]): void {
  // Where the checkout is must not show in what is made of it.
  const all = ["-o", target, ...flags, `-ffile-prefix-map=${root}=.`, ...words];
  // A dynamic build also tells every error of ours; a static one may fail for want of libc.a alone.
  if (spawnSync("gcc", ["-static", ...all], { stdio: "ignore" }).status !== 0) {
    execFileSync("gcc", all, { stdio: "inherit" });
  }
}
