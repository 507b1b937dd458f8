import { randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type ChannelCredentials, credentials, Metadata, ServerCredentials } from "@grpc/grpc-js";
import { Fault } from "./fault.js";

/**
 * How programs prove who they are: one shared token, over plain connections. Identities and TLS will replace this file and nothing else.
 */
const header = "authorization";

export function channelCredentials(): ChannelCredentials {
  return credentials.createInsecure();
}

export function serverCredentials(): ServerCredentials {
  return ServerCredentials.createInsecure();
}

export function bearer(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set(header, `Bearer ${token}`);
  return metadata;
}

/** Throws `unauthenticated` unless the call carries the token. */
export function authenticate(metadata: Metadata, token: string): void {
  const given = metadata.get(header)[0];
  if (given === undefined) {
    throw new Fault(
      "unauthenticated",
      "no token was given: pass --token-file or set STOKER_TOKEN to the coordinator's token",
    );
  }
  const expected = Buffer.from(`Bearer ${token}`);
  const actual = Buffer.from(String(given));
  if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) {
    throw new Fault("unauthenticated", "the token is not this coordinator's: copy the file `token` of its data folder");
  }
}

/** Reads a token file; undefined when there is none. */
export function readToken(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const token = readFileSync(path, "utf8").trim();
  if (token === "") throw new Fault("invalid-argument", `${path} is empty; it must hold the coordinator's token`);
  return token;
}

/** The token at `path`, made (256 random bits, mode 0600) when there is none. */
export function readOrMakeToken(path: string): string {
  const existing = readToken(path);
  if (existing !== undefined) return existing;
  mkdirSync(dirname(path), { recursive: true });
  const token = randomBytes(32).toString("base64url");
  writeFileSync(path, `${token}\n`, { mode: 0o600, flag: "wx" });
  chmodSync(path, 0o600);
  return token;
}
