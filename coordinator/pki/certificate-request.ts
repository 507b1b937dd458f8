import type { PublicKey } from "@peculiar/x509";
import { loadX509 } from "../../shared/certificates.js";
import { Fault } from "../../shared/fault.js";

/** What a certificate is asked for, by who has the key. */
export interface CertificateRequest {
  publicKey: PublicKey;
  /** Whom it is for, as it says. */
  uris: string[];
}

/** Such as anybody can send; a key of our own kind signs in a millisecond. */
const lengthMost = 16_384;

/** PKCS #10, in PEM, with a key of our kind that has signed it; throws a Fault else. */
export async function readRequest(text: string): Promise<CertificateRequest> {
  const { publicKey, isOurKind, isSigned, names } = await parsed(text);
  if (!isOurKind) throw new Fault("invalid-argument", "the certificate request's key is not one of the curve P-256");
  if (!isSigned) throw new Fault("invalid-argument", "the certificate request is not signed by its own key");
  const other = names.find(({ type }) => type !== "url");
  if (other) {
    throw new Fault(
      "permission-denied",
      `the certificate request is for a name of kind ${other.type}: certificates here name a node or a user`,
    );
  }
  return { publicKey, uris: names.map(({ value }) => value) };
}

/** Whatever somebody sent: the library throws errors of all kinds, and reads some parts only when they are asked for. */
async function parsed(text: string) {
  const x509 = await loadX509();
  try {
    const asked = new x509.Pkcs10CertificateRequest(text.slice(0, lengthMost));
    const { publicKey } = asked;
    const { algorithm } = publicKey;
    const isOurKind = algorithm.name === "ECDSA" && "namedCurve" in algorithm && algorithm.namedCurve === "P-256";
    const names = asked.extensions.flatMap((extension) =>
      extension instanceof x509.SubjectAlternativeNameExtension ? extension.names.items : [],
    );
    return { publicKey, isOurKind, isSigned: isOurKind && (await asked.verify()), names };
  } catch (cause) {
    throw new Fault(
      "invalid-argument",
      "the certificate request can't be read: expected PKCS #10 in PEM, such as `stoker certificate request` makes",
      { cause },
    );
  }
}
