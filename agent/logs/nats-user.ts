import { createPrivateKey, sign } from "node:crypto";
import type { NatsKey } from "../ports.js";

/** A new key of this node at the coordinator's NATS. The library is loaded for that alone. */
export async function newNatsUser(): Promise<{ publicKey: string; seed: string }> {
  const { createUser } = await import("@nats-io/nkeys");
  const user = createUser();
  return { publicKey: user.getPublicKey(), seed: Buffer.from(user.getSeed()).toString() };
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** What stands before a raw key of Ed25519 in PKCS #8. */
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex");

/** Proves to NATS who we are. Signed by Node itself: the library's own arithmetic takes eight MiB of memory for good. */
export const natsAuthenticator =
  ({ publicKey, seed }: Pick<NatsKey, "publicKey" | "seed">) =>
  (nonce?: string) => {
    const raw = rawSeed(seed);
    const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, raw]), format: "der", type: "pkcs8" });
    return { nkey: publicKey, sig: nonce ? sign(null, Buffer.from(nonce), key).toString("base64") : "" };
  };

/** Of a seed's text: base 32, with two bytes that say what it is before it, and a checksum behind. */
function rawSeed(seed: string): Buffer {
  let bits = 0;
  let value = 0;
  const bytes: number[] = [];
  for (const letter of seed.trim()) {
    value = ((value << 5) | alphabet.indexOf(letter)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
    }
  }
  return Buffer.from(bytes.slice(2, 34));
}
