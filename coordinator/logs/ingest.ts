import { setTimeout as sleep } from "node:timers/promises";
import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { offsetHeader, parseLogSubject } from "../../shared/subjects.js";
import type { LogAddress } from "./address.js";
import { offsetOf } from "./offset.js";
import type { LogStore } from "./store.js";
import { logConsumer } from "./stream.js";

/** What logs must know of jobs. */
export interface LogOwners {
  /**
   * `wanted`: the attempt is known, and the node is of its gang. `deleted`: there is no such job any more. `refused`: nonsense.
   * The node is as in the subject.
   */
  judge(address: LogAddress, node: string): "wanted" | "deleted" | "refused";
  /** These bytes are safe: the node may drop them. */
  stored(address: LogAddress, node: string, offset: number): void;
}

interface Waiting {
  message: JsMsg;
  address: LogAddress;
  node: string;
}

/** After a full disk or an unreachable stream. */
const retryAfterMs = 1_000;
/**
 * On their way from NATS to us, at most: 16 MiB when every message is full. Not counted in bytes: then the client asks for as many as it has
 * just received, is refused when the next message is longer, and waits for most of a minute.
 */
const prefetchMessages = 64;
/** After NATS was away: our stream is in its memory. */
const anewAfterMs = 50;

/**
 * NATS → log store. A message is acknowledged, and its node told, only when its bytes are on disk; one sync serves all that arrived
 * during the sync before.
 */
export class LogIngest {
  private waiting: Waiting[] = [];
  private flushing: Promise<void> | undefined;
  private messages: ConsumerMessages | undefined;
  private anew = false;
  private readonly stopped = new AbortController();
  private running: Promise<void> = Promise.resolve();
  /** Taken in since the start; duplicates don't count. */
  bytes = 0;

  constructor(
    private readonly connection: NatsConnection,
    private readonly store: LogStore,
    private readonly owners: LogOwners,
    /** The disk's: what is left of it when it is low is for the catalog. */
    private readonly room: { readonly low: string | undefined },
    private readonly log: Logger,
  ) {}

  start(): void {
    this.running = this.run();
    void this.watch().catch((error: unknown) => this.log.error({ err: error }, "NATS can't be watched"));
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    this.messages?.stop();
    await this.running;
    await this.flushing;
  }

  /** Begins again whenever the consumer is lost, for example with a NATS whose store was wiped. */
  private async run(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      try {
        const consumer = await logConsumer(this.connection);
        this.messages = await consumer.consume({ max_messages: prefetchMessages, abort_on_missing_resource: true });
        // Stopped meanwhile: nobody else ends what has only just been opened.
        if (this.stopped.signal.aborted) this.messages.stop();
        for await (const message of this.messages) this.receive(message);
      } catch (error) {
        if (this.stopped.signal.aborted || this.connection.isClosed()) return;
        this.log.warn({ err: error }, "no logs are received; trying again");
      }
      const waitMs = this.anew ? anewAfterMs : retryAfterMs;
      this.anew = false;
      await sleep(waitMs, undefined, { signal: this.stopped.signal }).catch(() => undefined);
    }
  }

  /** A NATS that is back may know nothing of the stream any more; to find that out by silence would take half a minute. */
  private async watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type !== "reconnect") continue;
      this.anew = true;
      this.messages?.stop();
    }
  }

  private receive(message: JsMsg): void {
    const parsed = parseLogSubject(message.subject);
    const offset = offsetOf(message.headers?.get(offsetHeader));
    if (!parsed || offset === undefined) {
      this.refuse(message, "not a log message");
      return;
    }
    const { node, ...address } = parsed;
    const verdict = this.owners.judge(address, node);
    if (verdict === "refused") {
      this.refuse(message, "the attempt is not that node's");
    } else if (verdict === "deleted") {
      this.owners.stored(address, node, offset + message.data.length);
      message.ack();
    } else {
      this.keep(message, address, node, offset);
    }
  }

  private keep(message: JsMsg, address: LogAddress, node: string, offset: number): void {
    if (this.room.low !== undefined) {
      message.nak(retryAfterMs);
      return;
    }
    try {
      const appended = this.store.append(address, offset, message.data);
      if (appended === "gap")
        this.log.debug({ ...address, offset }, "log bytes before these are missing; the node will send them");
      if (appended === "grown") this.bytes += message.data.length;
      this.waiting.push({ message, address, node });
      this.flushing ??= this.flush();
    } catch (error) {
      this.log.error({ err: error, ...address }, "log bytes could not be written; they stay with the node");
      message.nak(retryAfterMs);
    }
  }

  private refuse(message: JsMsg, reason: string): void {
    this.log.warn({ subject: message.subject.slice(0, 200), reason }, "log message refused");
    // Not `term`: that leaves it in the stream.
    message.ack();
  }

  private async flush(): Promise<void> {
    // Whatever else this turn of the event loop brings shares the sync.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      try {
        await this.store.sync();
        this.confirm(batch);
      } catch (error) {
        this.log.error({ err: error }, "logs could not be synced to disk; they stay with the nodes");
        for (const { message } of batch) message.nak(retryAfterMs);
      }
    }
    this.flushing = undefined;
  }

  /** Duplicates and gaps are answered as well: the node learns from where to go on. */
  private confirm(batch: Waiting[]): void {
    const told = new Map<string, Waiting>();
    for (const each of batch) {
      each.message.ack();
      told.set(each.message.subject, each);
    }
    for (const { address, node } of told.values()) this.owners.stored(address, node, this.store.safeLength(address));
  }
}
