import { decrypt, encrypt, encryptedHeadBytes } from "../../shared/encryption.js";
import { Fault } from "../../shared/fault.js";
import type { SealingKey } from "./key.js";

/** No protobuf message and no text begins with it: so what is sealed is known from what is not. */
const sealedMark = 0;
const idBytes = 8;
const headBytes = 1 + idBytes + encryptedHeadBytes;

/**
 * Seals with AES-256-GCM under the first of its keys, and opens what any of them sealed. What was sealed in one context opens in no other:
 * a value can't be moved to where somebody else would read it.
 *
 *   0 | key's id (8) | nonce (12) | tag (16) | ciphertext
 */
export class Vault {
  private readonly byId: ReadonlyMap<string, SealingKey>;
  private kept = false;

  /** `keep` puts a key that was made just now where it is found again. */
  constructor(
    private readonly first: SealingKey,
    others: readonly SealingKey[] = [],
    private readonly write: () => void = () => undefined,
  ) {
    this.byId = new Map([first, ...others].map((key) => [key.id, key]));
  }

  /** Of the key that seals. */
  get key(): string {
    return this.first.id;
  }

  knows(key: string): boolean {
    return this.byId.has(key);
  }

  /** The key is on disk when this returns: before anything is sealed with it. */
  keep(): void {
    if (!this.kept) this.write();
    this.kept = true;
  }

  seal(context: string, plain: Uint8Array): Buffer {
    this.keep();
    const body = encrypt(this.first.bytes, context, plain);
    return Buffer.concat([Buffer.of(sealedMark), Buffer.from(this.first.id, "hex"), body]);
  }

  /** Throws a Fault when it was sealed with another key, in another context, or was changed since. */
  open(context: string, sealed: Uint8Array): Buffer {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    const id = bytes.subarray(1, 1 + idBytes).toString("hex");
    const key = this.byId.get(id);
    if (bytes.length < headBytes || bytes[0] !== sealedMark || !key) {
      throw new Fault("failed-precondition", `a secret was sealed with key ${id}, which is not in the key file`);
    }
    try {
      return decrypt(key.bytes, context, bytes.subarray(1 + idBytes));
    } catch (cause) {
      throw new Fault("failed-precondition", "a secret in the catalog is not as it was sealed", { cause });
    }
  }

  sealText(context: string, value: string): string {
    return this.seal(context, Buffer.from(value)).toString("base64");
  }

  openText(context: string, sealed: string): string {
    return this.open(context, Buffer.from(sealed, "base64")).toString();
  }
}
