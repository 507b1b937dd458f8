import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createEncrypted, type Server as EncryptedServer } from "node:https";
import type { AddressInfo } from "node:net";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Logger } from "pino";
import { Fault, type FaultCode } from "../../shared/fault.js";
import type { FileHead } from "../../shared/gen/stoker/v1/relay_pb.js";
import { type Range, rangeOf } from "./range.js";
import { type Link, readToken } from "./token.js";

export interface LinkedFile extends Disposable {
  head: FileHead;
  bytes: AsyncIterable<Uint8Array>;
}

export interface ServerMaterials {
  cert: string;
  key: string;
  /** Who has signed it. */
  ca: string;
}

export interface LinksHost {
  key: Buffer;
  /** Of our certificate, in PEM; undefined: nothing is encrypted. */
  materials: ServerMaterials | undefined;
  now(): number;
  /** `length` 0: its head alone. Rejects with a Fault. */
  open(link: Link, range: { offset: bigint; length?: bigint }, signal: AbortSignal): Promise<LinkedFile>;
  log: Logger;
}

const statuses: Partial<Record<FaultCode, number>> = { "not-found": 404, unavailable: 503, "resource-exhausted": 503 };
const pathPrefix = "/files/";
const authorityPath = "/ca.pem";
/** Longer ones are not ours. */
const urlMax = 16 * 1024;
const connectionsMax = 512;

/** `GET /files/<token>`: whoever has the link reads the file, and needs nothing else. Nothing is told of what the token does not name. */
export class LinkServer {
  private readonly server: Server | EncryptedServer;

  constructor(private readonly host: LinksHost) {
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      this.answer(request, response).catch((error: unknown) => this.fail(error, response));
    };
    const { materials } = host;
    const maxHeaderSize = urlMax + 16 * 1024;
    this.server = materials
      ? createEncrypted({ cert: materials.cert, key: materials.key, minVersion: "TLSv1.3", maxHeaderSize }, answer)
      : createServer({ maxHeaderSize }, answer);
    this.server.maxConnections = connectionsMax;
    this.server.requestTimeout = 30_000;
  }

  /** The port. Rejects when it is taken. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, host, () => {
        this.server.off("error", reject);
        this.server.on("error", (error) => this.host.log.error({ err: error }, "the server of links failed"));
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  /** Connections that stand keep the former. */
  renewed({ cert, key }: ServerMaterials): void {
    if ("setSecureContext" in this.server) this.server.setSecureContext({ cert, key, minVersion: "TLSv1.3" });
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    if (method !== "GET" && method !== "HEAD") {
      refuse(response, 405, "a link can only be read", { Allow: "GET, HEAD" });
      return;
    }
    // Whoever follows a link may look whose certificate it is.
    if (url === authorityPath && this.host.materials) {
      response.writeHead(200, { "Content-Type": "application/x-pem-file" }).end(this.host.materials.ca);
      return;
    }
    const link =
      url.startsWith(pathPrefix) && url.length <= urlMax
        ? readToken(url.slice(pathPrefix.length), this.host.key)
        : undefined;
    if (!link) return refuse(response, 404, "there is no such file");
    if (this.host.now() > link.expiresAt)
      return refuse(response, 410, "the link has expired: list the files again for a new one");
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    await this.serve(link, request, response, gone.signal);
  }

  private async serve(
    link: Link,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { headers, method } = request;
    using known = await this.host.open(link, { offset: 0n, length: 0n }, signal);
    const { head } = known;
    const etag = `"${head.etag}"`;
    const common = headersOf(head, etag);
    if (headers["if-none-match"]?.split(",").some((each) => each.trim() === etag)) {
      response.writeHead(304, common).end();
      return;
    }
    const isStale = headers["if-range"] !== undefined && headers["if-range"] !== etag;
    const size = Number(head.size);
    const range = isStale ? ({ kind: "whole" } as const) : rangeOf(headers.range, size);
    if (range.kind === "impossible") {
      refuse(response, 416, range.why, { "Content-Range": `bytes */${size}` });
      return;
    }
    const { start, end } = range.kind === "part" ? range : { start: 0, end: size };
    const lengths = { "Content-Length": String(end - start), ...partOf(range, size) };
    response.writeHead(range.kind === "part" ? 206 : 200, { ...common, ...lengths });
    if (method === "HEAD" || end === start) {
      response.end();
      return;
    }
    using file = await this.host.open(link, { offset: BigInt(start), length: BigInt(end - start) }, signal);
    // The head was sent already: another file in its place would be told as this one.
    if (file.head.etag.split("-").slice(0, 2).join() !== head.etag.split("-").slice(0, 2).join())
      throw new Error("the file was replaced");
    for await (const bytes of file.bytes) {
      if (signal.aborted) return;
      if (!response.write(bytes)) await drained(response, signal);
    }
    response.end();
  }

  private fail(error: unknown, response: ServerResponse): void {
    if (!(error instanceof Fault) && !response.destroyed)
      this.host.log.error({ err: error }, "a link could not be served");
    // In the middle of the bytes only a cut tells that they are not all.
    if (response.headersSent) response.destroy();
    else if (error instanceof Fault) refuse(response, statuses[error.code] ?? 409, error.message);
    else refuse(response, 500, "the coordinator failed on this; its log says why");
  }
}

function headersOf(head: FileHead, etag: string): Record<string, string> {
  return {
    "Content-Type": "application/octet-stream",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
    "Accept-Ranges": "bytes",
    ETag: etag,
    ...(head.modifiedTime ? { "Last-Modified": timestampDate(head.modifiedTime).toUTCString() } : {}),
  };
}

const partOf = (range: Range, size: number): Record<string, string> =>
  range.kind === "part" ? { "Content-Range": `bytes ${range.start}-${range.end - 1}/${size}` } : {};

function refuse(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...headers, "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    response.on("drain", done);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
