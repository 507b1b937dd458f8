import { X509Certificate } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { pinOf } from "../../shared/join-token.js";
import { writeWhole } from "../../shared/whole-file.js";
import { Authority, serverDays } from "./authority.js";

const dayMs = 86_400_000;
const renewAfterMs = (serverDays * dayMs * 2) / 3;

export const pkiPaths = (dataDir: string) => {
  const folder = join(dataDir, "pki");
  return {
    folder,
    authority: join(folder, "ca.pem"),
    authorityKey: join(folder, "ca.key"),
    /** With its authority behind it, which clients look for when they know its hash alone. */
    server: join(folder, "server.pem"),
    serverKey: join(folder, "server.key"),
  };
};

export interface PkiFolderOptions {
  dataDir: string;
  /** Beside this machine's own names and addresses. */
  hosts: readonly string[];
  now(): number;
}

/** The authority and the coordinator's own certificate, as they lie in the data folder; made where they are missing. */
export class PkiFolder {
  private constructor(
    readonly authority: Authority,
    private readonly options: PkiFolderOptions,
  ) {}

  static async open(options: PkiFolderOptions): Promise<PkiFolder> {
    const paths = pkiPaths(options.dataDir);
    mkdirSync(paths.folder, { recursive: true, mode: 0o700 });
    const authority = existsSync(paths.authority)
      ? Authority.from(readFileSync(paths.authority, "utf8"), readFileSync(paths.authorityKey, "utf8"))
      : await makeAuthority(paths, options.now());
    const folder = new PkiFolder(authority, options);
    await folder.renew();
    return folder;
  }

  get pin(): Buffer {
    return pinOf(this.authority.certificate);
  }

  /** Makes a new certificate when this one is two thirds through, or the machine has names that it does not carry. True when it did. */
  async renew(): Promise<boolean> {
    const paths = pkiPaths(this.options.dataDir);
    const hosts = this.hosts();
    const now = this.options.now();
    if (existsSync(paths.server) && existsSync(paths.serverKey)) {
      const present = new X509Certificate(readFileSync(paths.server, "utf8"));
      const isFresh = Date.parse(present.validTo) - now > serverDays * dayMs - renewAfterMs;
      const isOurs = present.verify(new X509Certificate(this.authority.certificate).publicKey);
      if (isFresh && isOurs && hosts.every((host) => covers(present, host))) return false;
    }
    const { certificate, keyPem } = await this.authority.forServer(hosts, now);
    writeWhole(paths.serverKey, keyPem);
    writeWhole(paths.server, `${certificate.trim()}\n${this.authority.certificate.trim()}\n`);
    return true;
  }

  /** What a server of the coordinator shows, and whose certificates it asks for. In PEM. */
  materials(): { cert: string; key: string; ca: string } {
    const paths = pkiPaths(this.options.dataDir);
    return {
      cert: readFileSync(paths.server, "utf8"),
      key: readFileSync(paths.serverKey, "utf8"),
      ca: this.authority.certificate,
    };
  }

  private hosts(): string[] {
    const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    const own = addresses.map(({ address }) => address.replace(/%.*$/, ""));
    return [...new Set(["localhost", hostname(), "127.0.0.1", "::1", ...own, ...this.options.hosts])].filter(
      (host) => host !== "" && host !== "0.0.0.0" && host !== "::",
    );
  }
}

const covers = (certificate: X509Certificate, host: string) =>
  (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host, { subject: "never" })) !== undefined;

async function makeAuthority(paths: ReturnType<typeof pkiPaths>, now: number): Promise<Authority> {
  const { authority, keyPem } = await Authority.make(now);
  writeWhole(paths.authorityKey, keyPem);
  // Last: where there is one, its key is there.
  writeWhole(paths.authority, authority.certificate);
  // No secret: users copy it.
  chmodSync(paths.authority, 0o644);
  return authority;
}
