import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { CallerCertificate, CallerConnection } from "../../shared/caller.js";
import { urisIn } from "../../shared/certificates.js";

/** What the connections of a port are: `both` while the machines of a site go over to certificates one by one. */
export type Encryption =
  | { readonly kind: "off" }
  | { readonly kind: "on" | "both"; materials(): ServerMaterials; keyHashOf(certificate: X509Certificate): string };

/** In PEM. */
export interface ServerMaterials {
  cert: string;
  key: string;
  /** Whose certificates of clients are good. */
  ca: string;
}

export interface FrontDoorHost {
  /** Ready to be read; allowed to be half open. */
  accept(socket: Socket, connection: CallerConnection): void;
  /** The same, of one who does not encrypt where he must. */
  refuse(socket: Socket, connection: CallerConnection): void;
}

/** For a client's first byte, and then for its part of the handshake. */
const handshakeMs = 10_000;
/** The first byte of every TLS connection: a record of kind handshake. */
const handshakeRecord = 0x16;

/** Makes of each connection one that can be spoken on: decrypted, and with what its other end has proven. */
export class FrontDoor {
  private readonly tls: Server | undefined;

  constructor(
    private readonly encryption: Encryption,
    private readonly host: FrontDoorHost,
  ) {
    if (encryption.kind === "off") return;
    this.tls = createServer(
      {
        minVersion: "TLSv1.3",
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ["h2"],
        handshakeTimeout: handshakeMs,
        allowHalfOpen: true,
      },
      (socket) =>
        host.accept(socket, {
          peer: peerOf(socket),
          isEncrypted: true,
          ...certificateOf(socket, encryption.keyHashOf),
        }),
    );
    // What is wrong with one client's handshake is that client's to know.
    this.tls.on("tlsClientError", (_error, socket) => socket.destroy());
    this.renewed();
  }

  /** The coordinator's certificate is a new one: connections that stand keep the former. */
  renewed(): void {
    const { encryption, tls } = this;
    if (encryption.kind === "off" || !tls) return;
    tls.setSecureContext({ ...encryption.materials(), minVersion: "TLSv1.3" });
  }

  take(socket: Socket): void {
    if (this.encryption.kind === "off") {
      this.host.accept(socket, { peer: peerOf(socket), isEncrypted: false });
      return;
    }
    const giveUp = () => socket.destroy();
    const silent = setTimeout(giveUp, handshakeMs);
    socket.on("error", giveUp);
    socket.once("close", () => clearTimeout(silent));
    socket.once("data", (bytes: Buffer) => {
      clearTimeout(silent);
      socket.off("error", giveUp);
      socket.pause();
      socket.unshift(bytes);
      this.sort(socket, bytes[0] === handshakeRecord);
    });
  }

  private sort(socket: Socket, isTls: boolean): void {
    if (isTls) {
      this.tls?.emit("connection", socket);
      return;
    }
    const connection = { peer: peerOf(socket), isEncrypted: false };
    if (this.encryption.kind === "both") this.host.accept(socket, connection);
    else this.host.refuse(socket, connection);
  }
}

const peerOf = (socket: Socket) => `${socket.remoteAddress}:${socket.remotePort}`;

function certificateOf(
  socket: TLSSocket,
  keyHashOf: (certificate: X509Certificate) => string,
): { certificate?: CallerCertificate } {
  const given = socket.getPeerX509Certificate();
  if (!given) return {};
  const endsAt = Date.parse(given.validTo);
  // A session that is taken up again has the finding of its first connection, when there was time left.
  const isOver = endsAt <= Date.now() ? "CERT_HAS_EXPIRED" : undefined;
  const found = socket.authorized ? isOver : String(socket.authorizationError);
  const problem = found === undefined ? {} : { problem: found };
  return { certificate: { ...problem, uris: urisIn(given.subjectAltName), keyHash: keyHashOf(given), endsAt } };
}
