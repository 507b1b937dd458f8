import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { Fault } from "./fault.js";

/**
 * What a person carries from the coordinator to a machine that is to join, in one word: which token it is, its secret, and the hash of the
 * authority's certificate, so that the machine knows its coordinator before it says anything.
 */
export interface JoinTokenParts {
  /** Not secret. */
  id: string;
  secret: Buffer;
  /** SHA-256 of the authority's certificate (DER). */
  pin: Buffer;
}

const prefix = "stoker-join-";
const sizes = { id: 6, secret: 16, pin: 32 } as const;

export const newJoinToken = (pin: Buffer): JoinTokenParts => ({
  id: randomBytes(sizes.id).toString("hex"),
  secret: randomBytes(sizes.secret),
  pin,
});

export const joinTokenText = ({ id, secret, pin }: JoinTokenParts): string =>
  prefix + Buffer.concat([Buffer.from(id, "hex"), secret, pin]).toString("base64url");

export function parseJoinToken(text: string): JoinTokenParts {
  const word = text.trim();
  const bytes = Buffer.from(word.slice(prefix.length), "base64url");
  const isWhole = bytes.length === sizes.id + sizes.secret + sizes.pin;
  if (!word.startsWith(prefix) || !isWhole || bytes.toString("base64url") !== word.slice(prefix.length)) {
    throw new Fault(
      "invalid-argument",
      "that is not a joining token, or not the whole of one: copy the line that `stoker node token create` printed",
    );
  }
  return {
    id: bytes.subarray(0, sizes.id).toString("hex"),
    secret: bytes.subarray(sizes.id, sizes.id + sizes.secret),
    pin: bytes.subarray(sizes.id + sizes.secret),
  };
}

/** What the coordinator keeps of the secret: random and long, so that a plain hash is enough. */
export const hashOfSecret = (secret: Uint8Array): string => createHash("sha256").update(secret).digest("hex");

/** By which an authority is known. */
export const pinOf = (certificate: string | X509Certificate): Buffer =>
  createHash("sha256")
    .update((typeof certificate === "string" ? new X509Certificate(certificate) : certificate).raw)
    .digest();
