import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { natsTls } from "../../shared/nats-tls.js";
import { offsetHeader } from "../../shared/subjects.js";
import type { NatsKey } from "../ports.js";
import { natsAuthenticator } from "./nats-user.js";

const retryMs = 1_000;
const pingMs = 10_000;
/** Handed to the client and not yet taken by NATS, at most: the client's own buffer has no bound. */
const unflushedMaxBytes = 8 * 1024 * 1024;
/** So often NATS is asked how far it has come. */
const flushBytes = 512 * 1024;

/**
 * The way to NATS, which may be gone for long, and be elsewhere at the next Welcome. Nothing is kept while it is gone: the client's own
 * buffer has no bound, and the spool holds the bytes anyway.
 */
export class NatsLink {
  private wanted: NatsPlace | undefined;
  private connection: NatsConnection | undefined;
  private up = false;
  private unflushed = 0;
  private sinceFlush = 0;
  private why: string | undefined;
  private stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly becameUp: () => void,
    /** More can be published, after `publish` has said no. */
    private readonly drained: () => void,
    private readonly log: Logger,
  ) {}

  connect(url: string, token: string, key?: NatsKey): void {
    if (this.wanted?.url === url && this.wanted.token === token && this.wanted.key?.seed === key?.seed) return;
    this.wanted = { url, token, key };
    this.stopping.abort();
    const stopping = new AbortController();
    this.stopping = stopping;
    this.running = this.running.then(() => (url === "" ? undefined : this.run({ url, token, key }, stopping.signal)));
  }

  /** In words, when bytes can't be sent. */
  get problem(): string | undefined {
    if (!this.up) return this.why ?? "there is no connection to NATS";
    return this.unflushed >= unflushedMaxBytes ? "NATS takes no bytes" : undefined;
  }

  /** False when there is no connection, or it is full: the bytes were not taken. */
  publish(subject: string, offset: number, data: Uint8Array): boolean {
    if (!this.up || !this.connection || this.connection.isClosed() || this.unflushed >= unflushedMaxBytes) return false;
    const extra = headers();
    extra.set(offsetHeader, String(offset));
    this.connection.publish(subject, data, { headers: extra });
    this.unflushed += data.length;
    this.sinceFlush += data.length;
    if (this.sinceFlush >= flushBytes) this.flush(this.connection);
    return true;
  }

  /** NATS answers when it has read all that went before. */
  private flush(connection: NatsConnection): void {
    const bytes = this.sinceFlush;
    this.sinceFlush = 0;
    connection.flush().then(
      () => {
        if (connection !== this.connection) return;
        const wasFull = this.unflushed >= unflushedMaxBytes;
        this.unflushed = Math.max(0, this.unflushed - bytes);
        if (wasFull && this.up) this.drained();
      },
      (error: unknown) => this.log.debug({ err: error }, "the connection was lost before NATS had taken all"),
    );
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(at: NatsPlace, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.once(at, signal);
      } catch (error) {
        this.why = `NATS at ${at.url} can't be reached: ${words(error)}`;
        if (!signal.aborted)
          this.log.warn({ nats: at.url, reason: words(error) }, "no connection to NATS; logs wait in the spool");
      }
      this.up = false;
      this.connection = undefined;
      await sleep(retryMs, signal);
    }
  }

  private async once(at: NatsPlace, signal: AbortSignal): Promise<void> {
    const connection = await connect({
      servers: at.url,
      ...(at.token === "" ? {} : { token: at.token }),
      ...(at.key ? { authenticator: natsAuthenticator(at.key), tls: natsTls(at.key.authority) } : {}),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      pingInterval: pingMs,
      maxPingOut: 2,
      timeout: 5_000,
    });
    const leave = () => {
      this.up = false;
      connection.close().catch((error: unknown) => this.log.debug({ err: error }, "NATS was gone already"));
    };
    if (signal.aborted) {
      await connection.close();
      return;
    }
    signal.addEventListener("abort", leave, { once: true });
    this.connection = connection;
    this.cameUp(signal);
    for await (const status of connection.status()) {
      if (status.type === "disconnect") {
        this.up = false;
        this.why = `the connection to NATS at ${at.url} is lost`;
        this.log.warn({ nats: at.url }, "no connection to NATS; logs wait in the spool");
      }
      if (status.type === "reconnect") this.cameUp(signal);
    }
    signal.removeEventListener("abort", leave);
    const error = await connection.closed();
    if (error) throw error;
  }

  private cameUp(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.up = true;
    this.unflushed = 0;
    this.sinceFlush = 0;
    this.becameUp();
  }
}

/** Ends early when aborted. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

interface NatsPlace {
  url: string;
  token: string;
  key?: NatsKey | undefined;
}

const words = (error: unknown) => (error instanceof Error ? error.message : String(error));
