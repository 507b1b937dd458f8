import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createUser, fromPublic, fromSeed, NKeysError } from "@nats-io/nkeys";
import { subjectToken } from "../../shared/subjects.js";
import { writeWhole } from "../../shared/whole-file.js";

/** Who may speak to our own NATS. */
export type NatsAccess =
  /** Whoever has it may do everything, and nothing is encrypted. */
  | { readonly kind: "token"; readonly token: string }
  /** Keys of the coordinator, which may do everything, and of nodes; over TLS alone. */
  | {
      readonly kind: "keys";
      readonly seed: string;
      readonly certificateFile: string;
      readonly keyFile: string;
      /** Who has signed the certificate, in PEM. */
      readonly authority: string;
    };

export interface NatsNode {
  readonly name: string;
  readonly natsKey: string;
}

/** Those of TLS 1.3. Not every server can be told a version, and one for which there is no suite is not spoken. */
const suites = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/** What the configuration file says of it. A node publishes its own logs and hears nothing. */
export function accessText(access: NatsAccess, nodes: readonly NatsNode[]): string[] {
  const text = JSON.stringify;
  if (access.kind === "token") return [`authorization { token: ${text(access.token)} }`];
  // One that it can't take, or has twice, would have it keep the configuration of before: with those who have been removed since.
  const known = new Set([publicKeyOf(access.seed)]);
  const fresh = (key: string) => isNodeKey(key) && known.size < known.add(key).size;
  const users = nodes
    .filter(({ natsKey }) => fresh(natsKey))
    .map(({ name, natsKey }) => {
      const own = text(`stoker.logs.${subjectToken(name)}.>`);
      return `  { nkey: ${natsKey}, permissions: { publish: { allow: [${own}] }, subscribe: { deny: [">"] } } }`;
    });
  return [
    `tls { cert_file: ${text(access.certificateFile)}, key_file: ${text(access.keyFile)}, timeout: 5, cipher_suites: ${text(suites)} }`,
    "authorization { users: [",
    [`  { nkey: ${publicKeyOf(access.seed)} }`, ...users].join(",\n"),
    "] }",
  ];
}

/** Whole, too: its end is a sum of the rest. */
export function isNodeKey(text: string): boolean {
  if (!/^U[A-Z2-7]{55}$/.test(text)) return false;
  try {
    fromPublic(text);
    return true;
  } catch (error) {
    if (error instanceof NKeysError) return false;
    throw error;
  }
}

const publicKeyOf = (seed: string) => fromSeed(Buffer.from(seed)).getPublicKey();

/** The coordinator's own, made at the first start. */
export function readOrMakeSeed(path: string): string {
  if (existsSync(path)) return readFileSync(path, "utf8").trim();
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const seed = Buffer.from(createUser().getSeed()).toString();
  writeWhole(path, `${seed}\n`);
  return seed;
}
