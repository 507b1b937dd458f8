import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { exitCode, Failure } from "../failure.js";
import type { Profile } from "../settings.js";

/** What this program shows of its user, in PEM, and the files that it is in. */
export interface OwnCertificate {
  certificate: string;
  key: string;
  certificateFile: string;
  /** The same file may hold both. */
  keyFile: string;
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/;
const keyPattern = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]+?-----END [A-Z ]*PRIVATE KEY-----/;

export function ownCertificate({
  certificateFile,
  keyFile = certificateFile,
  tls,
}: Profile): OwnCertificate | undefined {
  if (keyFile === undefined) return undefined;
  if (certificateFile === undefined)
    throw refuse(keyFile, "there is a key, and no certificate: give --certificate-file");
  if (tls === "off")
    throw refuse(certificateFile, "a certificate is shown on encrypted connections alone: with --tls off, use a token");
  const certificate = certificatePattern.exec(contentOf(certificateFile))?.[0];
  if (certificate === undefined) throw refuse(certificateFile, "expected a certificate in PEM");
  const key = keyPattern.exec(contentOf(keyFile))?.[0];
  if (key === undefined) throw refuse(keyFile, "expected the certificate's key in PEM, here or in --key-file");
  if (!parsedCertificate(certificate, certificateFile).checkPrivateKey(parsedKey(key, keyFile))) {
    throw refuse(certificateFile, `the certificate is not of the key in ${keyFile}`);
  }
  return { certificate, key, certificateFile, keyFile };
}

/** The text with this certificate in the place of the one that it holds. */
export const withCertificate = (text: string, certificate: string) =>
  text.replace(certificatePattern, () => certificate.trim());

/** Both in one file, as it is kept beside the profiles. */
export const bundle = (key: string, certificate: string) => `${key.trim()}\n${certificate.trim()}\n`;

/** The coordinator dates certificates back by a day, for clocks that differ. */
const datedBackMs = 86_400_000;

/** Less than a third of its time is left. One that is over is not renewed: nobody believes it. */
export function isDue(certificate: string, now: number): boolean {
  const { validFrom, validTo } = new X509Certificate(certificate);
  const endsAt = Date.parse(validTo);
  const lifeMs = endsAt - Date.parse(validFrom) - datedBackMs;
  return endsAt > now && endsAt - now < lifeMs / 3;
}

function parsedCertificate(text: string, path: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw refuse(path, "the certificate can't be read", cause);
  }
}

function parsedKey(text: string, path: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw refuse(path, "the key can't be read: it must not have a password", cause);
  }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const advice = "there is no such file: `stoker login --certificate` makes one, or `stoker certificate request`";
    throw refuse(path, isMissing ? advice : String(cause), cause);
  }
}

const refuse = (path: string, why: string, cause?: unknown) =>
  new Failure(exitCode.unreachable, `${path}: ${why}`, cause === undefined ? undefined : { cause });
