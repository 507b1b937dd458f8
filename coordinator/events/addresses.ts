import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Of this machine and its link: what answers there was not meant for whoever may subscribe. Cloud metadata services are among them. */
const own = new BlockList();
for (const [net, prefix] of [
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 3],
] as const)
  own.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of [
  ["::", 127],
  ["fe80::", 10],
  ["ff00::", 8],
  ["64:ff9b::", 96],
] as const)
  own.addSubnet(net, prefix, "ipv6");

export function isOwnAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && own.check(address, family === 4 ? "ipv4" : "ipv6");
}

const refusal = (host: string, address: string) =>
  new Error(
    `${host} is ${address}, an address of the coordinator's own machine or link: only administrators may subscribe it, or --webhook-hosts names it`,
  );

/** Throws when the host, as it stands, is one of our own. */
export function refuseOwnHost(hostname: string): void {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isOwnAddress(host) || /^(.*\.)?localhost\.?$/i.test(host)) throw refusal(hostname, host);
}

/** Looks names up as usual, and refuses an answer that is one of our own: at the moment of connecting, so that no later answer differs. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    const addresses = error ? [] : found;
    const bad = addresses.find(({ address }) => isOwnAddress(address));
    const problem = error ?? (bad ? refusal(hostname, bad.address) : undefined);
    if (problem) callback(problem, "", 0);
    else if (options.all) callback(null, addresses);
    else callback(null, addresses[0]?.address ?? "", addresses[0]?.family ?? 0);
  });
};

/** `hooks.lab`, `*.lab`; in any letter case. No patterns: every host. */
export function hostMatches(patterns: readonly string[], hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return patterns.some((pattern) => {
    const wanted = pattern.toLowerCase();
    return wanted.startsWith("*.") ? host.endsWith(wanted.slice(1)) : host === wanted;
  });
}
