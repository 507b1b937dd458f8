import { createHash, randomBytes } from "node:crypto";

const keyBytes = 32;

export interface SealingKey {
  /** Sixteen hexadecimal digits that tell the key from others and nothing about it. */
  readonly id: string;
  readonly bytes: Buffer;
}

export const newKey = (): SealingKey => keyOf(randomBytes(keyBytes));

const keyOf = (bytes: Buffer): SealingKey => ({
  id: createHash("sha256").update("stoker key id").update(bytes).digest("hex").slice(0, 16),
  bytes,
});

/** One line of a key file: 32 bytes in base64, as `openssl rand -base64 32` gives them. Undefined when it is not that. */
export function parseKey(line: string): SealingKey | undefined {
  const bytes = /^[A-Za-z0-9+/_-]{43}=?$/.test(line) ? Buffer.from(line, "base64") : undefined;
  return bytes?.length === keyBytes ? keyOf(bytes) : undefined;
}

export const lineOf = ({ bytes }: SealingKey) => bytes.toString("base64");
