import { createPrivateKey, createPublicKey, generateKeyPairSync, webcrypto } from "node:crypto";
import { loadX509, nodeUri, signing, userUri } from "./certificates.js";

/** A new key of a node or a user, in PEM. */
export const newKey = (): string =>
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();

/** PKCS #10, in PEM: asks for a certificate of the node for this key. */
export const requestFor = (node: string, keyPem: string) => request("CN=Stoker node", nodeUri(node), keyPem);

/** For a certificate of this user, or, where nobody is named, of whoever asks. */
export const userRequest = (keyPem: string, user?: string) =>
  request("CN=Stoker user", user === undefined ? undefined : userUri(user), keyPem);

async function request(name: string, uri: string | undefined, keyPem: string): Promise<string> {
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
  const names = uri === undefined ? [] : [new x509.SubjectAlternativeNameExtension([{ type: "url", value: uri }])];
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: signing,
    extensions: names,
  });
  return made.toString("pem");
}
