import { createHmac, timingSafeEqual } from "node:crypto";

/** What a link leads to. */
export interface Link {
  /** `job <uuid> <directory id>` or `setup <uuid of the cluster>`, in words. */
  directory: readonly string[];
  path: string;
  /** On whose own disk; "" for a mounted volume. */
  node: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

/** `<what it leads to>.<HMAC-SHA-256 of that>`: nothing of it is stored, and nobody without the key can make or change one. */
export function tokenOf(link: Link, key: Buffer): string {
  const body = Buffer.from(JSON.stringify([link.expiresAt, link.node, link.path, ...link.directory])).toString(
    "base64url",
  );
  return `${body}.${signature(body, key)}`;
}

/** Undefined for what was not made with this key, or has been changed. Its time is the caller's to judge. */
export function readToken(token: string, key: Buffer): Link | undefined {
  const [body = "", given = "", ...rest] = token.split(".");
  const expected = Buffer.from(signature(body, key));
  const actual = Buffer.from(given);
  if (rest.length > 0 || expected.length !== actual.length || !timingSafeEqual(expected, actual)) return undefined;
  const [expiresAt, node, path, ...directory] = JSON.parse(Buffer.from(body, "base64url").toString()) as [
    number,
    ...string[],
  ];
  return { expiresAt, node: node ?? "", path: path ?? "", directory };
}

const signature = (body: string, key: Buffer) =>
  createHmac("sha256", key).update(`stoker file link ${body}`).digest("base64url");
