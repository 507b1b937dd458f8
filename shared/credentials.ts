import { randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createSecureContext, type PeerCertificate } from "node:tls";
import { type ChannelCredentials, credentials, Metadata, ServerCredentials } from "@grpc/grpc-js";
import { coordinatorUri, urisIn } from "./certificates.js";
import { Fault } from "./fault.js";

const header = "authorization";

/** How a connection to the coordinator is made, and what each call shows. */
export interface Credential {
  readonly channel: ChannelCredentials;
  readonly metadata: Metadata;
}

/** Whom to believe, and what to show; all in PEM. */
export interface Trust {
  authority: string;
  certificate?: string;
  key?: string;
}

/** Not encrypted: everybody on the way can read and change what is said. */
export const plain = (metadata = new Metadata()): Credential => ({ channel: credentials.createInsecure(), metadata });

/** To the coordinator of this authority, wherever it is: its certificate says that it is the coordinator, which no node's does. */
export function trusting({ authority, certificate, key }: Trust, metadata = new Metadata()): Credential {
  const own = certificate === undefined ? {} : { cert: certificate, key };
  const context = createSecureContext({ ca: authority, minVersion: "TLSv1.3", ...own });
  return { channel: credentials.createFromSecureContext(context, { checkServerIdentity: isCoordinator }), metadata };
}

/** In place of the check of the host's name: machines know the coordinator by names that it has never heard of. */
export function isCoordinator(_host: string, { subjectaltname }: PeerCertificate): Error | undefined {
  return urisIn(subjectaltname).includes(coordinatorUri)
    ? undefined
    : new Error("what answers is not the coordinator, but one of its nodes");
}

/** Of servers that get their connections ready, decrypted or not. */
export const serverCredentials = (): ServerCredentials => ServerCredentials.createInsecure();

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
