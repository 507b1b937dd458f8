import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { hashOfSecret, joinTokenText, newJoinToken } from "../shared/join-token.js";
import { writeWhole } from "../shared/whole-file.js";
import type { Origin } from "./core/access/audit.js";
import type { IdentityEvent } from "./core/identity/events.js";
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
  const reached = address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, "127.0.0.1");
  const profile = { coordinator: reached, tokenFile, ...trust };
  const text = stringify({ current: "administrator", profiles: { administrator: profile } });
  const path = join(folder, "config.yaml");
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeWhole(path, text);
}

/** As many machines as anybody installs within the hour. */
const firstUses = 256;
const firstLifeMs = 3_600_000;

/** The one line to run on each machine. Whoever reads it can join one, so it goes to a terminal or to a file of our own, not to a log. */
export async function tellJoinLine(options: {
  dataDir: string;
  address: string;
  pin: Buffer;
  now: number;
  ask(event: IdentityEvent, origin: Origin): Promise<unknown>;
}): Promise<string> {
  const { dataDir, address, pin, now, ask } = options;
  const token = newJoinToken(pin);
  const [createdBy, expiresAt] = ["the first start", now + firstLifeMs];
  const life = { uses: firstUses, expiresAt, replaces: false, createdBy };
  const summary = `uses: ${firstUses}, expireTime: ${new Date(expiresAt).toISOString()}, id: ${token.id}`;
  await ask(
    { kind: "join-token-create", uuid: token.id, hash: hashOfSecret(token.secret), ...life },
    { credential: createdBy, verb: "JoinService.CreateJoinToken", target: "join tokens", summary, peer: "" },
  );
  const line = `stoker-agent join ${address} ${joinTokenText(token)}`;
  const path = join(dataDir, "administrator", "join-line");
  writeWhole(path, `${line}\n`);
  if (process.stdout.isTTY) process.stdout.write(`\nRun this on each machine, within the hour:\n  ${line}\n\n`);
  return path;
}
