import { readFileSync } from "node:fs";
import type { Logger } from "pino";
import { readOrMakeToken } from "../../shared/credentials.js";
import { Fault } from "../../shared/fault.js";
import { clusterId, jobId } from "../../shared/ids.js";
import type { Directory } from "../core/files/sources.js";
import { type LinkedFile, LinkServer, type ServerMaterials } from "./server.js";
import { type Link, tokenOf } from "./token.js";

export interface FileLinksOptions {
  /** A file of the data folder: links outlive a restart. */
  keyPath: string;
  /** Undefined: no links are given. */
  port: number | undefined;
  /** The port was asked for by name: another program on it is the operator's to know. */
  isAsked: boolean;
  /** The address to listen on. */
  host: string;
  /** By which users reach it; undefined: as they reach the API. */
  advertiseHost: string | undefined;
  /** Of our certificate, in PEM; undefined where nothing is encrypted. */
  materials(): ServerMaterials | undefined;
  now(): number;
  open(
    directory: Directory,
    path: string,
    range: { offset: bigint; length?: bigint; node: string },
    signal: AbortSignal,
  ): Promise<LinkedFile>;
  log: Logger;
}

/** Time-limited links, and the HTTP server behind them. */
export class FileLinks {
  private server: LinkServer | undefined;
  private port = 0;
  private readonly key: Buffer;

  constructor(private readonly options: FileLinksOptions) {
    readOrMakeToken(options.keyPath);
    this.key = Buffer.from(readFileSync(options.keyPath, "utf8").trim());
  }

  async listen(): Promise<void> {
    const { port, host, isAsked, log, now, materials } = this.options;
    if (port === undefined) return;
    const server = new LinkServer({
      key: this.key,
      now,
      log,
      materials: materials(),
      open: (link, range, signal) => this.open(link, range, signal),
    });
    try {
      this.port = await server.listen(port, host);
      this.server = server;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (isAsked) throw new Fault("invalid-argument", `--files-port: ${reason}`);
      log.warn({ port, reason }, "no links to files are given: --files-port names a port that is free, or off");
    }
  }

  url(
    { directory, path, node, expiresAt }: { directory: Directory; path: string; node: string; expiresAt: number },
    authority: string,
  ): string | undefined {
    if (!this.server) return undefined;
    const known = this.options.advertiseHost ?? authority.replace(/:\d+$/, "");
    const host = known.includes(":") && !known.startsWith("[") ? `[${known}]` : known;
    const scheme = this.options.materials() ? "https" : "http";
    return `${scheme}://${host}:${this.port}/files/${tokenOf({ directory: wordsOf(directory), path, node, expiresAt }, this.key)}`;
  }

  /** The coordinator has a new one. */
  certificateRenewed(): void {
    const materials = this.options.materials();
    if (materials) this.server?.renewed(materials);
  }

  close(): void {
    this.server?.close();
  }

  private open(
    { directory, path, node }: Link,
    range: { offset: bigint; length?: bigint },
    signal: AbortSignal,
  ): Promise<LinkedFile> {
    return this.options.open(directoryOf(directory), path, { ...range, node }, signal);
  }
}

const wordsOf = (directory: Directory): string[] =>
  directory.kind === "job" ? ["job", directory.job, directory.directoryId] : ["setup", directory.cluster];

function directoryOf([kind, uuid = "", directoryId = ""]: readonly string[]): Directory {
  if (kind === "setup") return { kind, cluster: clusterId(uuid) };
  return { kind: "job", job: jobId(uuid), directoryId };
}
