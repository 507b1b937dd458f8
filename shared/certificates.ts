import type { webcrypto } from "node:crypto";

/** The library is large, and needed only where a certificate is made or asked for: it is loaded then. */
export async function loadX509() {
  await import("reflect-metadata");
  const [x509, { webcrypto }] = await Promise.all([import("@peculiar/x509"), import("node:crypto")]);
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  return x509;
}

export const signing = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export type KeyPair = webcrypto.CryptoKeyPair;

/** Names that certificates of Stoker carry, as URIs: what is certified, whatever host it is on. */
export const coordinatorUri = "stoker://coordinator";
const nodePrefix = "stoker://node/";
export const nodeUri = (name: string) => `${nodePrefix}${encodeURIComponent(name)}`;

/** The node that the URI names; undefined when it names none. */
export function nodeOfUri(uri: string): string | undefined {
  if (!uri.startsWith(nodePrefix)) return undefined;
  try {
    return decodeURIComponent(uri.slice(nodePrefix.length));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

const userPrefix = "stoker://user/";

/** `credential`: UUID by which the coordinator knows the certificates of one key; a request needs none. */
export const userUri = (name: string, credential?: string) =>
  `${userPrefix}${encodeURIComponent(name)}${credential === undefined ? "" : `/${credential}`}`;

/** The user that the URI names; undefined when it names none. */
export function userOfUri(uri: string): { name: string; credential: string } | undefined {
  if (!uri.startsWith(userPrefix)) return undefined;
  const [, encoded = "", credential = ""] =
    /^([-\w.%]{1,192})(?:\/([-\w]{1,64}))?$/.exec(uri.slice(userPrefix.length)) ?? [];
  try {
    const name = decodeURIComponent(encoded);
    // Whoever made it may have written anything: what can be no user's name is shown to nobody.
    return /^[-\w.@+]{1,64}$/.test(name) ? { name, credential } : undefined;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** The URIs of a certificate, from its alternative names as Node gives them. */
export const urisIn = (names: string | undefined): string[] =>
  (names ?? "").split(", ").flatMap((name) => (name.startsWith("URI:") ? [name.slice(4)] : []));
