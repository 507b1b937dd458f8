import { createPrivateKey, createPublicKey, generateKeyPairSync, webcrypto } from "node:crypto";
import { loadX509, nodeUri, signing } from "./certificates.js";

/** A new key of a node, in PEM. */
export const newKey = (): string =>
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();

/** PKCS #10, in PEM: asks for a certificate of the node for this key. */
export async function requestFor(node: string, keyPem: string): Promise<string> {
  const x509 = await loadX509();
  const secret = createPrivateKey(keyPem);
  const { subtle } = webcrypto;
  const keys = {
    privateKey: await subtle.importKey("pkcs8", secret.export({ type: "pkcs8", format: "der" }), signing, false, [
      "sign",
    ]),
    publicKey: await subtle.importKey(
      "spki",
      createPublicKey(secret).export({ type: "spki", format: "der" }),
      signing,
      true,
      ["verify"],
    ),
  };
  const names = new x509.SubjectAlternativeNameExtension([{ type: "url", value: nodeUri(node) }]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: "CN=Stoker node",
    keys,
    signingAlgorithm: signing,
    extensions: [names],
  });
  return request.toString("pem");
}
