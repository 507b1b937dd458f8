/** Why a connection does not stand, for who has to mend it: gRPC's and OpenSSL's own words are of no help to anybody. */
export function whyUnreachable(message: string): string {
  const line = message.replaceAll(/\s+/g, " ").trim();
  const reason = /Last error: (?:Error: )?(.*?)\.?(?: Resolution note:.*)?$/.exec(line)?.[1] || line;
  if (/wrong version number|packet length too long|EPROTO/i.test(reason))
    return "what answers there does not speak TLS";
  if (/no application protocol/i.test(reason)) return "what answers there is no coordinator: is the port right?";
  const name = /getaddrinfo (?:EAI_AGAIN|ENOTFOUND) (\S+)/.exec(reason)?.[1];
  if (name !== undefined)
    return `the name ${name} has no address here: give the address, or add it to DNS or /etc/hosts`;
  const validity = /certificate (?:is not yet valid|has expired)/.exec(reason)?.[0];
  if (validity === undefined) return reason;
  const now = new Date().toISOString();
  return `its ${validity} by this machine's clock, which says ${now}: is that right? If not: timedatectl set-ntp true`;
}
