import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { found } from "./surroundings.js";

const programs = ["check-gpu.js", "stoker-coordinator.js", "stoker-agent.js", "stoker.js", "package.json"];
const natives = ["stoker-shim", "stoker-rsh", "stoker-node-test", "stoker-notify"];
/** What of packages with compiled parts runs. */
const packages: Record<string, readonly string[]> = {
  "better-sqlite3": ["package.json", "lib", "build/Release/better_sqlite3.node"],
  bindings: ["package.json", "bindings.js"],
  "file-uri-to-path": ["package.json", "index.js"],
  "node-pty": ["package.json", "lib", "build/Release/pty.node"],
};

/** A folder that holds all that the check needs on a machine that has nothing, Node included. In words, what could not be put into it. */
export function pack(dist: string, folder: string): string[] {
  const lacking: string[] = [];
  mkdirSync(folder, { recursive: true });
  for (const name of [...programs, ...natives]) {
    const from = join(dist, name);
    if (existsSync(from)) copyFileSync(from, join(folder, name));
    else lacking.push(`${from} is not there: build first`);
  }
  const modules = modulesAbove(dist);
  for (const [name, parts] of Object.entries(packages)) {
    for (const part of parts) {
      const from = join(modules ?? dist, name, part);
      const to = join(folder, "node_modules", name, part);
      if (existsSync(from)) cpSync(from, to, { recursive: true, dereference: true });
      else lacking.push(`${from} is not there`);
    }
  }
  const nats = found("nats-server");
  if (nats === undefined) lacking.push("there is no nats-server on this machine: the job will be skipped");
  else copyFileSync(nats, join(folder, "nats-server"));
  copyFileSync(process.execPath, join(folder, "node"));
  writeFileSync(
    join(folder, "check-gpu"),
    '#!/bin/sh\nexec "$(dirname "$0")/node" "$(dirname "$0")/check-gpu.js" "$@"\n',
  );
  chmodSync(join(folder, "check-gpu"), 0o755);
  return lacking;
}

function modulesAbove(dist: string): string | undefined {
  for (let at = resolve(dist); ; at = dirname(at)) {
    if (existsSync(join(at, "node_modules/better-sqlite3"))) return join(at, "node_modules");
    if (dirname(at) === at) return undefined;
  }
}
