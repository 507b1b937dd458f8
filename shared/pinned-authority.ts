import { timingSafeEqual, X509Certificate } from "node:crypto";
import { connect, type DetailedPeerCertificate } from "node:tls";
import { Fault } from "./fault.js";
import { pinOf } from "./join-token.js";
import { whyUnreachable } from "./unreachable.js";

const withinMs = 10_000;

/**
 * The certificate of the coordinator's authority, in PEM, when it is the one with this hash. Nothing is said to the other side but that we are
 * there: whoever it is, it learns no secret. The connection that follows is checked against the certificate as any other.
 */
export async function fetchAuthority(address: string, pin: Buffer): Promise<string> {
  const presented = await presentedAuthority(address);
  if (timingSafeEqual(presented.pin, pin)) return presented.certificate;
  throw new Fault(
    "unauthenticated",
    `what answers at ${address} is not the coordinator that made the token: check the address, and that the token is the whole of one made there`,
  );
}

/** What answers there calls this its authority; whoever asks must know by other means that it is the coordinator's. */
export function presentedAuthority(address: string): Promise<{ certificate: string; pin: Buffer }> {
  const { host, port } = partsOf(address);
  return new Promise((resolve, reject) => {
    const fail = (code: "unavailable" | "unauthenticated", text: string, cause?: unknown) => {
      socket.destroy();
      reject(new Fault(code, text, cause === undefined ? undefined : { cause }));
    };
    // The chain is judged below: its root is what we have come for.
    const socket = connect({ host, port, minVersion: "TLSv1.3", ALPNProtocols: ["h2"], rejectUnauthorized: false });
    socket.setTimeout(withinMs, () => fail("unavailable", cannotReach(address, new Error("it does not answer"))));
    socket.once("error", (error) => fail("unavailable", cannotReach(address, error), error));
    socket.once("secureConnect", () => {
      const root = rootOf(socket.getPeerCertificate(true));
      if (root === undefined) {
        fail("unauthenticated", `what answers at ${address} shows no certificate of an authority: check the address`);
        return;
      }
      socket.destroy();
      resolve({ certificate: root.toString(), pin: pinOf(root) });
    });
  });
}

/** For who typed the address: what is wrong, and where to look. */
export function cannotReach(address: string, error: Error): string {
  const why = whyUnreachable(error.message);
  const look = /^(?:connect |it does not )/.test(why)
    ? "; see that the address is right, the coordinator up and its port open"
    : "";
  return `cannot reach the coordinator at ${address}: ${why}${look}`;
}

function rootOf(leaf: DetailedPeerCertificate): X509Certificate | undefined {
  let found = leaf;
  // A root is its own issuer.
  while (found.issuerCertificate && found.issuerCertificate !== found) found = found.issuerCertificate;
  return found.raw === undefined ? undefined : new X509Certificate(found.raw);
}

function partsOf(address: string): { host: string; port: number } {
  const [, host = "", port = ""] = /^\[?([^\]]*?)\]?:(\d{1,5})$/.exec(address.trim()) ?? [];
  if (host === "" || Number(port) < 1 || Number(port) > 65_535) {
    throw new Fault(
      "invalid-argument",
      `"${address}" is not the address of a coordinator: give HOST:PORT, such as head:7741`,
    );
  }
  return { host, port: Number(port) };
}
