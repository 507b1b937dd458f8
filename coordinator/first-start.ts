import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { writeWhole } from "../shared/whole-file.js";
import { pkiPaths } from "./pki/pki-folder.js";

/** What the command line on this machine needs to speak to us as administrator: a profile of its own, kept true at every start. */
export function writeAdministrator(options: {
  dataDir: string;
  /** As `host:port`. */
  address: string;
  tokenFile: string;
  isEncrypted: boolean;
}): void {
  const { dataDir, address, tokenFile, isEncrypted } = options;
  const folder = join(dataDir, "administrator");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const trust = isEncrypted ? { authorityFile: pkiPaths(dataDir).authority } : { tls: "off" };
  const profile = { coordinator: address, tokenFile, ...trust };
  const text = stringify({ current: "administrator", profiles: { administrator: profile } });
  const path = join(folder, "config.yaml");
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeWhole(path, text);
}

export const joinLinePath = (dataDir: string) => join(dataDir, "administrator", "join-line");

/** The one line to run on each machine. Whoever reads it can join one, so it goes to a terminal or to a file of our own, not to a log. */
export function tellJoinLine(dataDir: string, line: string): string {
  const path = joinLinePath(dataDir);
  writeWhole(path, `${line}\n`);
  if (process.stdout.isTTY) process.stdout.write(`\nRun this on each machine, within the hour:\n  ${line}\n\n`);
  return path;
}
