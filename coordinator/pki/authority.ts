import { createHash, createPrivateKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { PublicKey } from "@peculiar/x509";
import { coordinatorUri, type KeyPair, loadX509, nodeUri, signing, userUri } from "../../shared/certificates.js";
import { Fault } from "../../shared/fault.js";
import { readRequest } from "./certificate-request.js";

const dayMs = 86_400_000;
/** Clocks of machines differ: what is made now is valid on all of them. */
const skewMs = dayMs;
const authorityYears = 20;
export const serverDays = 90;

export interface Issued {
  certificate: string;
  /** SHA-256 of the public key (SPKI), in hex. */
  keyHash: string;
}

/** Who signs the certificates of the coordinator, its nodes and its users: one key, in a file of the data folder. */
export class Authority {
  private constructor(
    /** In PEM. */
    readonly certificate: string,
    private readonly keyPem: string,
  ) {}

  static from(certificate: string, keyPem: string): Authority {
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(keyPem)))
      throw new Fault("failed-precondition", "the authority's certificate and key do not belong together");
    return new Authority(certificate, keyPem);
  }

  static async make(now: number): Promise<{ authority: Authority; keyPem: string }> {
    const x509 = await loadX509();
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=Stoker ${randomBytes(4).toString("hex")}`,
      notBefore: new Date(now - skewMs),
      notAfter: new Date(now + authorityYears * 365 * dayMs),
      signingAlgorithm: signing,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const keyPem = await pemOf(keys.privateKey);
    return { authority: new Authority(certificate.toString("pem"), keyPem), keyPem };
  }

  /** The coordinator's own: for these hosts and addresses. */
  async forServer(hosts: readonly string[], now: number): Promise<{ certificate: string; keyPem: string }> {
    const x509 = await loadX509();
    const keys = await newKeys();
    const names = hosts.map((host) => ({ type: isIP(host) ? ("ip" as const) : ("dns" as const), value: host }));
    const certificate = await this.sign(
      "CN=Stoker coordinator",
      keys.publicKey,
      [{ type: "url", value: coordinatorUri }, ...names],
      x509.ExtendedKeyUsage.serverAuth,
      { now, days: serverDays },
    );
    return { certificate, keyPem: await pemOf(keys.privateKey) };
  }

  /** What the request asks for, when it asks for this node and was signed with its own key; throws a Fault else. */
  async forNode(node: string, request: string, { now, lifeMs }: { now: number; lifeMs: number }): Promise<Issued> {
    const { publicKey, uris } = await readRequest(request);
    const [uri] = uris;
    if (uris.length !== 1 || uri !== nodeUri(node)) {
      throw new Fault("permission-denied", `the certificate request is not for node ${node}, or not for it alone`);
    }
    return this.forClient("CN=Stoker node", uri, publicKey, { now, days: lifeMs / dayMs });
  }

  /** For the user's key that signed the request: `credential` is by which we know it. Throws a Fault when it is for somebody else. */
  async forUser(
    { user, credential, request }: { user: string; credential: string; request: string },
    { now, endsAt }: { now: number; endsAt: number },
  ): Promise<Issued> {
    const { publicKey, uris } = await readRequest(request);
    if (uris.some((uri) => uri !== userUri(user))) {
      throw new Fault(
        "permission-denied",
        `the certificate request is not for user ${user}, but for ${uris.join(", ")}`,
      );
    }
    return this.forClient("CN=Stoker user", userUri(user, credential), publicKey, {
      now,
      days: (endsAt - now) / dayMs,
    });
  }

  private async forClient(
    subject: string,
    uri: string,
    publicKey: PublicKey,
    validity: { now: number; days: number },
  ): Promise<Issued> {
    const { ExtendedKeyUsage } = await loadX509();
    const certificate = await this.sign(
      subject,
      publicKey,
      [{ type: "url", value: uri }],
      ExtendedKeyUsage.clientAuth,
      validity,
    );
    return { certificate, keyHash: keyHashOf(new X509Certificate(certificate)) };
  }

  private async sign(
    subject: string,
    publicKey: webcrypto.CryptoKey | PublicKey,
    names: Array<{ type: "url" | "ip" | "dns"; value: string }>,
    usage: string,
    { now, days }: { now: number; days: number },
  ): Promise<string> {
    const x509 = await loadX509();
    const own = new x509.X509Certificate(this.certificate);
    const secret = createPrivateKey(this.keyPem).export({ type: "pkcs8", format: "der" });
    const signingKey = await webcrypto.subtle.importKey("pkcs8", secret, signing, false, ["sign"]);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject,
      issuer: own.subject,
      notBefore: new Date(now - skewMs),
      notAfter: new Date(now + days * dayMs),
      signingKey,
      publicKey,
      signingAlgorithm: signing,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        new x509.SubjectAlternativeNameExtension(names),
        await x509.AuthorityKeyIdentifierExtension.create(own.publicKey),
      ],
    });
    return certificate.toString("pem");
  }
}

export const keyHashOf = (certificate: X509Certificate): string =>
  createHash("sha256")
    .update(certificate.publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");

/** Positive: the highest bit is not set. */
const serial = () => `4${randomBytes(16).toString("hex").slice(1)}`;

const newKeys = async (): Promise<KeyPair> => webcrypto.subtle.generateKey(signing, true, ["sign", "verify"]);

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    .export({ type: "pkcs8", format: "pem" })
    .toString();
}
