import { webcrypto, X509Certificate } from "node:crypto";
import fc from "fast-check";
import { beforeAll, expect, test, vi } from "vitest";
import { Authority } from "../../coordinator/pki/authority.js";
import { newKey, requestFor, userRequest } from "../../shared/certificate-request.js";
import { loadX509, userUri } from "../../shared/certificates.js";
import { Fault } from "../../shared/fault.js";

vi.setConfig({ testTimeout: 60_000 });
const credential = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
let authority: Authority;
beforeAll(async () => {
  ({ authority } = await Authority.make(Date.now()));
});

const forAda = (request: string) =>
  authority.forUser({ user: "ada", credential, request }, { now: Date.now(), endsAt: Date.now() + 3_600_000 });

async function requestOf(algorithm: { name: string; [more: string]: unknown }): Promise<string> {
  const x509 = await loadX509();
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    ...{ name: "CN=x", keys, signingAlgorithm: { ...algorithm, hash: "SHA-256" } },
  });
  return request.toString("pem");
}

test("a user's certificate says that user and this credential alone, for a client alone, until then", async () => {
  const { certificate } = await forAda(await userRequest(newKey(), "ada"));
  const read = new X509Certificate(certificate);
  expect(read.subjectAltName).toBe(`URI:${userUri("ada", credential)}`);
  expect(read.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  expect(read.ca).toBe(false);
  expect(Date.parse(read.validTo)).toBeLessThanOrEqual(Date.now() + 3_600_000);
  expect(read.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
});

test("none is made for somebody else, or of a key of another kind", async () => {
  const refused = (request: string, message: RegExp) =>
    expect(forAda(request)).rejects.toMatchObject({ name: "Fault", message: expect.stringMatching(message) });
  await refused(await userRequest(newKey(), "grace"), /not for user ada, but for stoker:\/\/user\/grace/);
  await refused(await requestFor("n1", newKey()), /but for stoker:\/\/node\/n1/);
  const otherKind = /not one of the curve P-256/;
  await refused(await requestOf({ name: "ECDSA", namedCurve: "P-384" }), otherKind);
  await refused(await requestOf({ name: "Ed25519" }), otherKind);
  const rsa = {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  };
  await refused(await requestOf(rsa), otherKind);
  for (const text of ["", "x", authority.certificate, newKey(), "A".repeat(1 << 20)])
    await refused(text, /can't be read/);
});

test("whatever becomes of a request's bytes, it is refused with a Fault, or it was not of weight", async () => {
  const request = await userRequest(newKey(), "ada");
  const der = Buffer.from(request.replace(/-----[^-]+-----/g, ""), "base64");
  const changes = fc.array(fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(changes, fc.nat(der.length), async (all, length) => {
      const bytes = Buffer.from(length % 4 === 0 ? der.subarray(0, length) : der);
      for (const [at, byte] of all) if (at < bytes.length) bytes[at] = byte;
      const text = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
      try {
        const { certificate } = await forAda(text);
        expect(new X509Certificate(certificate).subjectAltName).toBe(`URI:${userUri("ada", credential)}`);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
      }
    }),
    { numRuns: 300 },
  );
});
