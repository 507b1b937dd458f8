import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { type DestinationStream, type Logger, pino } from "pino";

/** Kept for a reader of a pipe that is slow; more is dropped. */
const waitingBytesMax = 2 ** 20;
const retryMs = 100;

/**
 * Where a daemon's lines go. A log that can't be written must not stop what the daemon is for: lines that a full disk or a reader that is
 * gone refuses are dropped and counted, and the first line that gets through again is followed by their number. Every write is done when it returns, the
 * last words of a crash too.
 */
export class LineSink implements DestinationStream {
  private readonly file: number;
  private waiting = Buffer.alloc(0);
  private dropped = 0;
  private why = "";
  /** What was written last is the first part of a line. */
  private torn = false;
  /** And its rest was dropped. */
  private broken = false;
  private retry: NodeJS.Timeout | undefined;

  constructor(
    private readonly name: string,
    file: number,
    /** Put before each line. */
    private readonly prefix: (line: string) => string = () => "",
  ) {
    this.file = withoutBlocking(file);
  }

  write(line: string): void {
    const bytes = Buffer.from(this.prefix(line) + line);
    if (this.waiting.length + bytes.length > waitingBytesMax) this.drop("its reader is too slow");
    else this.waiting = this.waiting.length === 0 ? bytes : Buffer.concat([this.waiting, bytes]);
    this.push();
  }

  private push(): void {
    try {
      if (this.broken && this.waiting.length > 0) writeSync(this.file, "\n");
      this.broken = false;
      while (this.waiting.length > 0) {
        const written = writeSync(this.file, this.waiting);
        this.torn = this.waiting[written - 1] !== newline;
        this.waiting = this.waiting.subarray(written);
      }
      if (this.dropped > 0) writeSync(this.file, this.gap());
      this.dropped = 0;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      if (code === "EAGAIN") this.later();
      else this.dropWaiting(code);
    }
  }

  private later(): void {
    this.retry ??= setTimeout(() => {
      this.retry = undefined;
      this.push();
    }, retryMs).unref();
  }

  private drop(why: string): void {
    this.dropped += 1;
    this.why = why;
  }

  private dropWaiting(why: string): void {
    for (const line of this.waiting.toString().split("\n")) if (line !== "") this.drop(why);
    this.waiting = Buffer.alloc(0);
    this.broken = this.torn;
  }

  private gap(): string {
    const { name, dropped, why } = this;
    const told = { level: 40, time: Date.now(), pid: process.pid, name, dropped, why };
    const line = `${JSON.stringify({ ...told, msg: "lines of this log could not be written" })}\n`;
    return this.prefix(line) + line;
  }
}

const newline = 10;

export function daemonLog(name: string, level: string): Logger {
  // Warnings of Node and of libraries go to stderr; a reader of it that is gone is no reason to crash either.
  process.stderr.on("error", () => undefined);
  const prefix = isJournal(1, process.env.JOURNAL_STREAM) ? journalPrefix : undefined;
  return pino({ name, level }, new LineSink(name, 1, prefix));
}

/** Whether systemd has connected this file to its journal: `device:inode`. */
function isJournal(file: number, stream: string | undefined): boolean {
  if (stream === undefined) return false;
  const { dev, ino } = fstatSync(file);
  return stream === `${dev}:${ino}`;
}

/** The journal's levels are syslog's, and stand in angle brackets at the beginning of a line. */
export function journalPrefix(line: string): string {
  const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 30);
  if (level >= 60) return "<2>";
  if (level >= 50) return "<3>";
  if (level >= 40) return "<4>";
  return level >= 30 ? "<6>" : "<7>";
}

/** A pipe whose reader stands still would hold up the whole daemon. Opened anew, so that nobody who shares it notices. */
function withoutBlocking(file: number): number {
  try {
    if (fstatSync(file).isFIFO()) return openSync(`/proc/self/fd/${file}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // No reader any more (ENXIO), or a system without /proc: each write tells.
  }
  return file;
}
