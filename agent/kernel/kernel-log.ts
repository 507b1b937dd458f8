import { closeSync, constants, openSync, readSync } from "node:fs";
import type { Logger } from "pino";
import type { TimedMessage } from "../core/diagnosis/diagnosis.js";
import { readMessage } from "../core/kernel/message.js";
import { readRecord } from "../core/kernel/record.js";

export interface KernelLogOptions {
  path?: string;
  /** Microseconds since boot, on the clock of the records. */
  nowUs?: () => number;
  wallMs?: () => number;
}

/** A record is at most 8 KiB; a read gives one, and fails with EINVAL into less. */
const recordMaxBytes = 16 * 1024;
const pollMs = 1_000;
/** In one turn of the event loop: a fault can print thousands of lines. */
const recordsPerTurn = 500;
const keptMax = 400;
const keptMs = 30 * 60_000;

/**
 * Follows /dev/kmsg, where the kernel tells of GPUs, memory, disks and file servers. It is read without waiting, once a second and whenever
 * somebody wants to know what happened just now. Only root may; without it nothing is known, which is said once.
 */
export class KernelLog {
  private descriptor: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private kept: TimedMessage[] = [];
  private readonly listeners = new Set<(message: TimedMessage) => void>();
  private readonly buffer = Buffer.alloc(recordMaxBytes);
  private lost = 0;
  private readonly counted = new Map<string, number>();

  constructor(
    private readonly log: Logger,
    private readonly options: KernelLogOptions = {},
  ) {}

  /** From the oldest record that the kernel still has: what befell a GPU since boot holds until it is reset. */
  start(): void {
    const path = this.options.path ?? "/dev/kmsg";
    try {
      this.descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      this.log.warn(
        { err: error, path },
        "the kernel's log can't be followed: GPU faults and memory kills are not seen",
      );
      return;
    }
    this.poll();
    this.timer = setInterval(() => this.poll(), pollMs);
    this.timer.unref();
  }

  /** Called for each that means something, the earlier ones included when it is asked before `start`. */
  onMessage(listener: (message: TimedMessage) => void): void {
    this.listeners.add(listener);
  }

  /** What it said in the last so many milliseconds, up to now; oldest first. */
  recent(lastMs: number): readonly TimedMessage[] {
    this.poll();
    const from = this.wallMs() - lastMs;
    return this.kept.filter(({ at }) => at >= from);
  }

  counts(): ReadonlyMap<string, number> {
    return this.counted;
  }

  close(): void {
    clearInterval(this.timer);
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  private poll(): void {
    for (let count = 0; count < recordsPerTurn; count++) {
      const record = this.read();
      if (record === undefined) return;
      // The kernel gives one at a time; a file or a pipe that stands in for it may give several.
      for (const each of record.split(/\n(?=\d)/)) this.take(each);
    }
    setImmediate(() => this.poll());
  }

  /** Undefined when there is nothing new. */
  private read(): string | undefined {
    for (; this.descriptor !== undefined; ) {
      try {
        const length = readSync(this.descriptor, this.buffer, 0, recordMaxBytes, null);
        return length === 0 ? undefined : this.buffer.toString("utf8", 0, length);
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if (code === "EAGAIN") return undefined;
        if (code === "EPIPE") {
          // Overwritten before it was read; the next read goes on behind the gap.
          this.lost += 1;
          if (this.lost === 1) this.log.warn("some of the kernel's log was overwritten before it was read");
          continue;
        }
        this.log.error({ err: error }, "the kernel's log can't be followed any more");
        this.close();
      }
    }
    return undefined;
  }

  private take(text: string): void {
    const record = readRecord(text);
    const message = record && readMessage(record.text);
    if (!record || !message) return;
    const at = Math.round(this.wallMs() - (this.nowUs() - record.atUs) / 1000);
    const timed = { at, message };
    this.counted.set(message.kind, (this.counted.get(message.kind) ?? 0) + 1);
    this.kept.push(timed);
    if (this.kept.length > keptMax || (this.kept[0]?.at ?? at) < at - keptMs) {
      this.kept = this.kept.slice(-keptMax).filter((each) => each.at >= at - keptMs);
    }
    for (const listener of this.listeners) listener(timed);
  }

  private nowUs(): number {
    // CLOCK_MONOTONIC, which the records' clock follows closely.
    return this.options.nowUs?.() ?? Number(process.hrtime.bigint() / 1000n);
  }

  private wallMs(): number {
    return this.options.wallMs?.() ?? Date.now();
  }
}
