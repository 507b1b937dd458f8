import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "../../shared/fault.js";
import { writeWhole } from "../../shared/whole-file.js";
import { lineOf, newKey, parseKey, type SealingKey } from "./key.js";
import { Vault } from "./vault.js";

/** Name of the credential that systemd may give (`LoadCredential=stoker-secret-key:…`), and of the file in the data folder. */
const credentialName = "stoker-secret-key";
const fileName = "secret-key";

export interface KeyPlace {
  readonly path: string;
  /** Given by systemd: it can't be written, and who may read it is systemd's business. */
  readonly isCredential: boolean;
}

/** A file that was named wins over a credential, that over the data folder. */
export function keyPlace(named: string | undefined, dataDir: string, environment: NodeJS.ProcessEnv): KeyPlace {
  if (named !== undefined) return { path: named, isCredential: false };
  const folder = environment.CREDENTIALS_DIRECTORY;
  const credential = folder ? join(folder, credentialName) : undefined;
  if (credential && existsSync(credential)) return { path: credential, isCredential: true };
  return { path: join(dataDir, fileName), isCredential: false };
}

/** The keys of the file: one that seals, and those below it, which were before it. Made when it is needed first and there is no file. */
export function openVault(place: KeyPlace): Vault {
  if (!existsSync(place.path)) {
    const key = newKey();
    return new Vault(key, [], () => writeKeys(place.path, [key]));
  }
  const [first, ...others] = readKeys(place);
  return new Vault(first, others);
}

/** What this key sealed can be opened. */
export const holdsKey = (place: KeyPlace, id: string) =>
  existsSync(place.path) && readKeys(place).some((key) => key.id === id);

/** A new key before those that are there. */
export function addKey(place: KeyPlace): Vault {
  refuseCredential(place);
  const keys = existsSync(place.path) ? readKeys(place) : [];
  const key = newKey();
  writeKeys(place.path, [key, ...keys]);
  return new Vault(key, keys);
}

/** Nothing is sealed with the others any more. Gives how many went. */
export function dropOldKeys(place: KeyPlace): number {
  refuseCredential(place);
  const [first, ...others] = readKeys(place);
  if (others.length > 0) writeKeys(place.path, [first]);
  return others.length;
}

function readKeys({ path, isCredential }: KeyPlace): [SealingKey, ...SealingKey[]] {
  if (!isCredential && (statSync(path).mode & 0o077) !== 0) {
    throw new Fault(
      "invalid-argument",
      `${path} holds the key of all secrets, and others may read it: chmod 600 ${path}`,
    );
  }
  const lines = readFileSync(path, "utf8").split("\n");
  const keys = lines
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line, at) => {
      const key = parseKey(line);
      if (key) return key;
      throw new Fault(
        "invalid-argument",
        `${path}: key ${at + 1} is not 32 bytes in base64, such as \`openssl rand -base64 32\` makes`,
      );
    });
  const [first, ...others] = keys;
  if (!first)
    throw new Fault(
      "invalid-argument",
      `${path} is empty; it must hold the key that the catalog's secrets are sealed with`,
    );
  return [first, ...others];
}

/** Whole or not at all, also when the power fails: without it what it sealed is lost. */
function writeKeys(path: string, keys: readonly SealingKey[]): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeWhole(path, `${keys.map(lineOf).join("\n")}\n`);
}

function refuseCredential({ path, isCredential }: KeyPlace): void {
  if (!isCredential) return;
  throw new Fault(
    "failed-precondition",
    `${path} is a credential of systemd: put the new key above the old one where it comes from, restart the coordinator, and then remove the old one`,
  );
}
