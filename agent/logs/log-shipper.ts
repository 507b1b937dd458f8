import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { type Clock, systemClock } from "../../shared/clock.js";
import { LogStream } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { LeaseId } from "../../shared/ids.js";
import { logSubject } from "../../shared/subjects.js";
import type { Logs, LogsHost, LogsWaiting, NatsKey } from "../ports.js";
import { LogTail } from "./log-tail.js";
import { NatsLink } from "./nats-link.js";
import { shareOf } from "./progress.js";

/** A job that ends within this time needs no watcher. */
const watchAfterMs = 4;
/** File events can be missed, and answers too. */
const checkMs = 1_000;
/** What has waited for so long is told. */
const overdueMs = 10_000;

interface RankLog {
  stdout: LogTail;
  stderr: LogTail;
  watcher: FSWatcher | undefined;
  starting: NodeJS.Timeout | undefined;
  ended: boolean;
}

/** Spool → NATS → the coordinator's store, for every rank of every lease of this node. */
export class LogShipper implements Logs {
  private readonly leases = new Map<LeaseId, Map<number, RankLog>>();
  private readonly told = new Set<LeaseId>();
  private readonly link: NatsLink;
  private checking: NodeJS.Timeout | undefined;
  /** Those that have sent what is not stored yet. */
  private readonly active = new Set<LogTail>();

  constructor(
    private readonly host: LogsHost,
    private readonly log: Logger,
    private readonly clock: Clock = systemClock,
  ) {
    this.link = new NatsLink(
      () => this.again(),
      () => this.each((tail) => tail.send()),
      log,
    );
  }

  connect(natsUrl: string, natsToken: string, key?: NatsKey): void {
    this.link.connect(natsUrl, natsToken, key);
    // The coordinator may be another one, which has not seen what its predecessor did not store.
    this.again();
  }

  follow(lease: LeaseId, rank: number, dir: string): void {
    const known = this.ranks(lease);
    if (known.has(rank)) return;
    const entry: RankLog = {
      stdout: this.tail(lease, rank, "stdout", dir),
      stderr: this.tail(lease, rank, "stderr", dir),
      watcher: undefined,
      starting: setTimeout(() => {
        entry.starting = undefined;
        this.watch(entry, dir);
      }, watchAfterMs),
      ended: false,
    };
    known.set(rank, entry);
    this.checking ??= setInterval(() => this.check(), checkMs);
  }

  ended(lease: LeaseId, rank: number, stdoutBytes: number, stderrBytes: number): void {
    const known = this.ranks(lease);
    // One that was never started has no folder, and nothing to wait for.
    if (!known.has(rank)) this.follow(lease, rank, "");
    const entry = known.get(rank);
    if (!entry) return;
    entry.ended = true;
    unwatch(entry);
    entry.stdout.ended(stdoutBytes);
    entry.stderr.ended(stderrBytes);
    this.tellIfComplete(lease);
  }

  stored(lease: LeaseId, rank: number, stream: LogStream, offset: number): void {
    const entry = this.leases.get(lease)?.get(rank);
    if (!entry || stream === LogStream.UNSPECIFIED) return;
    (stream === LogStream.STDOUT ? entry.stdout : entry.stderr).stored(offset);
    this.tellIfComplete(lease);
  }

  complete(lease: LeaseId): boolean {
    const ranks = [...(this.leases.get(lease)?.values() ?? [])];
    return ranks.every((entry) => entry.ended && entry.stdout.isStored && entry.stderr.isStored);
  }

  problem(): string | undefined {
    return this.link.problem;
  }

  waiting(): LogsWaiting | undefined {
    const overdue: Array<{ since: number; bytes: number }> = [];
    this.each((tail) => {
      const one = tail.overdue(overdueMs);
      if (one) overdue.push(one);
    });
    if (overdue.length === 0) return undefined;
    return {
      since: Math.min(...overdue.map(({ since }) => since)),
      bytes: overdue.reduce((sum, { bytes }) => sum + bytes, 0),
      reason: this.link.problem ?? "the coordinator does not say that they are stored",
    };
  }

  forget(lease: LeaseId): void {
    for (const entry of this.leases.get(lease)?.values() ?? []) this.end(entry);
    this.leases.delete(lease);
    this.told.delete(lease);
    this.restIfIdle();
  }

  async close(): Promise<void> {
    for (const lease of [...this.leases.keys()]) this.forget(lease);
    await this.link.close();
  }

  private ranks(lease: LeaseId): Map<number, RankLog> {
    const known = this.leases.get(lease) ?? new Map<number, RankLog>();
    this.leases.set(lease, known);
    return known;
  }

  private tail(lease: LeaseId, rank: number, stream: "stdout" | "stderr", dir: string): LogTail {
    const subject = logSubject(this.host.nodeName, lease, rank, stream);
    const tail: LogTail = new LogTail(join(dir, stream), {
      clock: this.clock,
      publish: (offset, data) => this.link.publish(subject, offset, data),
      share: () => shareOf(this.active.has(tail) ? this.active.size : this.active.size + 1),
      active: (is) => (is ? this.active.add(tail) : this.active.delete(tail)),
      needless: (path) => this.host.needless(lease, path),
      release: (path, from, to) => this.host.release(path, from, to),
      failed: (error) =>
        this.log.error({ err: error, lease, rank, stream }, "a log can't be read from the spool; trying again"),
    });
    return tail;
  }

  private watch(entry: RankLog, dir: string): void {
    const tails = new Map([
      ["stdout", entry.stdout],
      ["stderr", entry.stderr],
    ]);
    try {
      entry.watcher = watch(dir, (_event, name) => tails.get(name ?? "")?.grew());
      entry.watcher.on("error", (error) =>
        this.log.warn({ err: error, dir }, "a log's folder can't be watched; it is polled"),
      );
    } catch (error) {
      this.log.warn({ err: error, dir }, "a log's folder can't be watched; it is polled");
    }
    // What was written before the watch began.
    for (const tail of tails.values()) tail.grew();
  }

  private again(): void {
    this.each((tail) => tail.again());
  }

  private check(): void {
    this.each((tail) => tail.check());
  }

  private each(act: (tail: LogTail) => void): void {
    for (const ranks of this.leases.values()) {
      for (const entry of ranks.values()) {
        act(entry.stdout);
        act(entry.stderr);
      }
    }
  }

  private tellIfComplete(lease: LeaseId): void {
    if (this.told.has(lease) || !this.complete(lease)) return;
    this.told.add(lease);
    this.host.onComplete(lease);
  }

  private end(entry: RankLog): void {
    unwatch(entry);
    entry.stdout.close();
    entry.stderr.close();
  }

  private restIfIdle(): void {
    if (this.leases.size > 0) return;
    clearInterval(this.checking);
    this.checking = undefined;
  }
}

function unwatch(entry: RankLog): void {
  clearTimeout(entry.starting);
  entry.starting = undefined;
  entry.watcher?.close();
  entry.watcher = undefined;
}
