import { createHash, randomBytes } from "node:crypto";

/** So that people, and programs that look for secrets in files, know one when they see it. */
const prefix = "stoker_";

/** What a user shows, and what is kept of it: 256 random bits need no slow hash. */
export function newTokenSecret(): { secret: string; hash: string } {
  const secret = `${prefix}${randomBytes(32).toString("base64url")}`;
  return { secret, hash: hashOf(secret) };
}

export const hashOf = (secret: string) => createHash("sha256").update(secret).digest("hex");
