import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { exitCode, Failure, usage } from "./failure.js";
import type { Profile } from "./settings.js";

/** Of a coordinator on this machine. */
const localFolder = "/var/lib/stoker";

/** The certificate of the coordinator's authority, in PEM; undefined where nothing is encrypted. */
export function authorityOf({ authority, authorityFile, tokenFile, tls }: Profile): string | undefined {
  if (tls !== undefined && tls !== "on" && tls !== "off") throw usage(`tls "${tls}": there are on and off`);
  if (tls === "off") return undefined;
  if (authority !== undefined) return checked(authority, "the profile's authority");
  if (authorityFile !== undefined) return checked(contentOf(authorityFile), authorityFile);
  // The data folder of a coordinator has both.
  const folders = [...(tokenFile === undefined ? [] : [dirname(tokenFile)]), localFolder];
  for (const path of folders.map((folder) => join(folder, "pki", "ca.pem"))) {
    const found = readable(path);
    if (found !== undefined) return checked(found, path);
  }
  throw new Failure(
    exitCode.unreachable,
    "which coordinator is to be believed? give the certificate of its authority, pki/ca.pem of its data folder, with --authority-file, STOKER_AUTHORITY_FILE or a profile (`stoker login` fetches it)",
  );
}

function checked(text: string, where: string): string {
  if (/-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(text)) return text;
  throw new Failure(
    exitCode.unreachable,
    `${where}: expected a certificate in PEM, such as pki/ca.pem of the coordinator's data folder`,
  );
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(error);
    throw new Failure(exitCode.unreachable, `${path}: ${reason}; copy pki/ca.pem of the coordinator's data folder`);
  }
}

/** Another user's is as if it were not there: then the coordinator's authority is asked for. */
function readable(path: string): string | undefined {
  try {
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return undefined;
    throw error;
  }
}
