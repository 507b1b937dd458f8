/** Keeps secrets from who reads the file. What was sealed for one context opens in no other. */
export interface Sealer {
  /** Names the key that seals. */
  readonly key: string;
  /** The key is on disk when this returns. */
  keep(): void;
  /** It opens what this key sealed. */
  knows(key: string): boolean;
  /** The first byte of what it gives is 0, with which no message begins. */
  seal(context: string, plain: Uint8Array): Buffer;
  open(context: string, sealed: Uint8Array): Buffer;
}

export const isSealed = (bytes: Uint8Array) => bytes[0] === 0;
