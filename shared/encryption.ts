import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

export const encryptionKeyBytes = 32;

/** What is longer than this may be encrypted; what is shorter never is. */
export const encryptedHeadBytes = nonceBytes + tagBytes;

/**
 * Encrypts with AES-256-GCM. What was encrypted in one context is readable in no other: nobody can move it to where somebody else would read it.
 *
 *   nonce (12) | tag (16) | ciphertext
 */
export function encrypt(key: Buffer, context: string, plain: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce);
  cipher.setAAD(Buffer.from(context));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** Throws when it was encrypted with another key, in another context, or was changed since. */
export function decrypt(key: Buffer, context: string, encrypted: Uint8Array): Buffer {
  const bytes = Buffer.from(encrypted.buffer, encrypted.byteOffset, encrypted.byteLength);
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(bytes.subarray(nonceBytes, encryptedHeadBytes));
  return Buffer.concat([decipher.update(bytes.subarray(encryptedHeadBytes)), decipher.final()]);
}
