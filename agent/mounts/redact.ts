/** What was told by somebody else's program must not tell a password: neither one that we gave it, nor one that it was given in words. */

const named =
  /([-\w]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|key|sig|credentials?))(\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&"'`]+)/gi;
const inUrl = /(:\/\/[^\s/:@]+:)([^\s/@]+)(?=@)/g;
const afterUser = /((?:user(?:name)?|-U)[=\s][^\s,%]+%)([^\s,"'`]+)/gi;

/** Shorter ones say nothing, and are part of everything. */
const shortest = 3;
const mask = "***";

/** The passwords that a command line names as such. */
export function secretsIn(command: string): string[] {
  const found: string[] = [];
  for (const [, , , value] of command.matchAll(named)) found.push((value ?? "").replace(/^["']|["']$/g, ""));
  for (const pattern of [inUrl, afterUser])
    for (const [, , value] of command.matchAll(pattern)) found.push(value ?? "");
  return found;
}

export function redacted(text: string, secrets: readonly string[]): string {
  let safe = text;
  // The longest first: one may be part of another.
  const known = secrets.filter((secret) => secret.length >= shortest).sort((a, b) => b.length - a.length);
  for (const secret of known) safe = safe.replaceAll(secret, mask);
  return safe.replace(named, `$1$2${mask}`).replace(inUrl, `$1${mask}`).replace(afterUser, `$1${mask}`);
}
