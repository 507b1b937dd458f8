import type { Clock } from "../../shared/clock.js";
import { isSilent, isStored, noteStored, type Progress, rewind, room, startOfStream } from "./progress.js";
import { SpoolFile } from "./spool-file.js";

/** The largest message. */
const pieceBytes = 64 * 1024;
/** Under load, what comes within this time goes as one message. */
const gatherMs = 5;

export interface TailHost {
  clock: Clock;
  /** False when there is no connection. */
  publish(offset: number, data: Uint8Array): boolean;
  /** Bytes that may be sent before the coordinator has stored them. */
  window(): number;
  /** The spool can't be read; it is tried again. */
  failed(error: unknown): void;
}

/** One stream of one rank: from its spool file to NATS, at once when quiet, gathered under load. */
export class LogTail {
  private readonly file: SpoolFile;
  private readonly progress: Progress;
  private gathering: NodeJS.Timeout | undefined;

  constructor(
    path: string,
    private readonly host: TailHost,
  ) {
    this.file = new SpoolFile(path);
    this.progress = startOfStream(host.clock.monotonic());
  }

  get isStored(): boolean {
    return isStored(this.progress);
  }

  /** The file may have grown. */
  grew(): void {
    if (this.gathering !== undefined || this.isStored) return;
    const waitMs = this.progress.publishedAt + gatherMs - this.host.clock.monotonic();
    if (waitMs <= 0) {
      this.send();
      return;
    }
    this.gathering = setTimeout(() => {
      this.gathering = undefined;
      this.send();
    }, waitMs);
  }

  ended(length: number): void {
    this.progress.final = length;
    if (this.isStored) this.close();
    else this.grew();
  }

  stored(offset: number): void {
    noteStored(this.progress, offset, this.host.clock.monotonic());
    if (this.isStored) this.close();
    else this.send();
  }

  /** A new connection: what was on its way over the old one may be lost. */
  again(): void {
    if (this.isStored) return;
    rewind(this.progress, this.host.clock.monotonic());
    this.send();
  }

  /** Now and then: mends missed news of the file, and silence of the coordinator. */
  check(): void {
    if (this.isStored) return;
    if (isSilent(this.progress, this.host.clock.monotonic())) {
      rewind(this.progress, this.host.clock.monotonic());
      this.progress.rewinds++;
    }
    this.grew();
  }

  close(): void {
    clearTimeout(this.gathering);
    this.file.close();
  }

  private send(): void {
    try {
      this.sendWhatFits();
    } catch (error) {
      this.host.failed(error);
    }
  }

  private sendWhatFits(): void {
    const { progress, host } = this;
    const window = host.window();
    for (let free = room(progress, window); free > 0; free = room(progress, window)) {
      const data = this.file.read(progress.sent, Math.min(pieceBytes, free));
      if (data.length === 0) return;
      if (!host.publish(progress.sent, data)) return;
      // The time of silence begins with the first bytes that nobody has answered for.
      if (progress.sent === progress.stored) progress.movedAt = host.clock.monotonic();
      progress.sent += data.length;
      progress.publishedAt = host.clock.monotonic();
    }
  }
}
