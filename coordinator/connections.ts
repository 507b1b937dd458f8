import { networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Call, CallerConnection } from "../shared/caller.js";
import { nodeOfUri } from "../shared/certificates.js";
import { authenticate, readOrMakeToken } from "../shared/credentials.js";
import { Fault } from "../shared/fault.js";
import type { Encryption } from "./api/front-door.js";
import type { State } from "./core/memory.js";
import { isNodeKey, type NatsAccess, readOrMakeSeed } from "./nats/access.js";
import { type Issued, keyHashOf } from "./pki/authority.js";
import { Identities } from "./pki/identities.js";
import { PkiFolder, pkiPaths } from "./pki/pki-folder.js";

/** `migrate`: on, and who does not encrypt is let in as before, by the shared token. */
export type TlsMode = "on" | "migrate" | "off";

export interface ConnectionsOptions {
  tls: TlsMode;
  listen: string;
  dataDir: string;
  advertiseHost: string | undefined;
  /** How long a node's certificate is valid. */
  nodeCertificateLifeMs: number;
  log: Logger;
}

/** How often the coordinator's own certificate is looked at: this machine may have a new address. */
const lookMs = 60_000;

/** How connections to this coordinator are encrypted, and how nodes are known. */
export class Connections {
  readonly identities: Identities;
  readonly encryption: Encryption;
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly options: ConnectionsOptions,
    private readonly pki: PkiFolder | undefined,
    private readonly state: () => State,
  ) {
    this.identities = new Identities({
      pki,
      identities: () => this.state().nodeIdentities,
      now: () => Date.now(),
      lifeMs: options.nodeCertificateLifeMs,
    });
    this.encryption = pki
      ? { kind: options.tls === "migrate" ? "both" : "on", materials: () => pki.materials(), keyHashOf }
      : { kind: "off" };
  }

  /** `state`: asked when somebody calls. */
  static async open(options: ConnectionsOptions, state: () => State): Promise<Connections> {
    const { tls, listen, dataDir, advertiseHost, log } = options;
    if (tls === "off") {
      refuseFarAway(listen);
      return new Connections(options, undefined, state);
    }
    if (tls === "migrate") {
      log.warn(
        "--tls migrate: connections that are not encrypted are let in by the shared token; --tls on when every machine has joined",
      );
    }
    const hosts = [hostOf(listen), ...(advertiseHost === undefined ? [] : [advertiseHost])];
    const pki = await PkiFolder.open({ dataDir, hosts, now: () => Date.now() });
    return new Connections(options, pki, state);
  }

  /** Of joining tokens. */
  pin(): Buffer {
    if (this.pki) return this.pki.pin;
    throw new Fault(
      "failed-precondition",
      "this coordinator was started with --tls off: its nodes don't join, they have its token",
    );
  }

  /** Nobody can have joined yet: no first start has come so far as to make a token. */
  get isNew(): boolean {
    const { nodeIdentities, joinTokens } = this.state();
    return this.pki !== undefined && nodeIdentities.size === 0 && joinTokens.size === 0;
  }

  /** What the server of links shows. */
  get materials(): { cert: string; key: string; ca: string } | undefined {
    return this.pki?.materials();
  }

  /** It came with a node's certificate, which is good no more. */
  isOver({ certificate }: CallerConnection): boolean {
    if (!certificate?.uris.some((uri) => nodeOfUri(uri) !== undefined)) return false;
    try {
      this.identities.nodeOf(certificate);
      return false;
    } catch (error) {
      if (error instanceof Fault) return true;
      throw error;
    }
  }

  /** For who may join as this node. The other key becomes a part of the configuration of NATS, which takes all of it or nothing. */
  async issue(node: string, request: string, natsKey: string): Promise<Issued> {
    const issued = await this.identities.issue(node, request);
    if (isNodeKey(natsKey)) return issued;
    throw new Fault("invalid-argument", "natsKey: expected the public key of a user of NATS");
  }

  /** Where other machines reach us, as well as we know. */
  address(port: number): string {
    const { advertiseHost, listen } = this.options;
    const host = advertiseHost ?? hostOf(listen);
    const known = host === "" || host === "0.0.0.0" || host === "::" ? primaryAddress() : host;
    return `${known.includes(":") ? `[${known}]` : known}:${port}`;
  }

  /** Whether a call is an agent's that has no certificate yet; undefined where such agents are not let in. */
  sharedToken(token: string): ((call: Call) => void) | undefined {
    return this.encryption.kind === "on" ? undefined : ({ metadata }) => authenticate(metadata, token);
  }

  /** To our own NATS. While some machines have no certificate yet, it stays as open to them as it was. */
  natsAccess(dir: string): NatsAccess {
    if (this.options.tls !== "on" || !this.pki) return { kind: "token", token: readOrMakeToken(join(dir, "token")) };
    const { server, serverKey } = pkiPaths(this.options.dataDir);
    return {
      kind: "keys",
      seed: readOrMakeSeed(join(dir, "seed")),
      certificateFile: server,
      keyFile: serverKey,
      authority: this.pki.authority.certificate,
    };
  }

  /** Tells when the coordinator's certificate is a new one. */
  watch(renewed: () => void): void {
    const { pki } = this;
    if (!pki) return;
    const look = async () => {
      if (!(await pki.renew())) return;
      this.options.log.info("the coordinator's certificate was renewed");
      renewed();
    };
    this.timer = setInterval(() => {
      look().catch((error: unknown) =>
        this.options.log.error({ err: error }, "the coordinator's certificate can't be renewed"),
      );
    }, lookMs).unref();
  }

  close(): void {
    clearInterval(this.timer);
  }
}

const hostOf = (listen: string) => listen.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");

function primaryAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

/** Everybody on the network could read the tokens. */
function refuseFarAway(listen: string): void {
  const host = hostOf(listen);
  if (host === "localhost" || host === "::1" || /^127\./.test(host)) return;
  throw new Fault(
    "invalid-argument",
    `--tls off: only on an address of this machine alone, such as 127.0.0.1:7741, and --listen is ${listen}`,
  );
}
