import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildAll } from "../../../scripts/build.js";
import { labFolder } from "../machines/settings.js";

export const checkout = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const program = (name: string) => join(checkout, "dist", name);

/** The add-ons, and what better-sqlite3 needs beside itself to find its compiled part. */
const addOns = ["better-sqlite3", "bindings", "file-uri-to-path", "node-pty"];

/** `/usr/lib/stoker` as a package would lay it out, on the host, ready to be pushed; built first when a source has changed. */
export async function layOutBundle(): Promise<string> {
  await buildAll(checkout);
  const folder = join(labFolder, "bundle", "stoker");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of [
    "stoker.js",
    "stoker-coordinator.js",
    "stoker-agent.js",
    "stoker-shim",
    "stoker-rsh",
    "stoker-node-test",
    "stoker-notify",
    "package.json",
  ]) {
    if (existsSync(program(name))) cpSync(program(name), join(folder, name), { recursive: true });
  }
  copyAddOns(folder);
  return folder;
}

/** Beside programs that are in this folder. */
export function copyAddOns(folder: string): void {
  for (const name of addOns) {
    const from = join(checkout, "node_modules", name);
    cpSync(from, join(folder, "node_modules", name), {
      recursive: true,
      filter: (path) => !/\/(deps|src|prebuilds|third_party)$/.test(path),
    });
  }
}
