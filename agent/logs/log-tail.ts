import type { Clock } from "../../shared/clock.js";
import { isSilent, isStored, noteStored, type Progress, rewind, room, shrink, startOfStream } from "./progress.js";
import { SpoolFile } from "./spool-file.js";

/** The largest message. */
const pieceBytes = 256 * 1024;
/** Under load, what comes within this time goes as one message. */
const gatherMs = 5;
/** What is stored is punched out of the spool when it is so much. */
const punchBytes = 8 * 1024 * 1024;
/** Punched to a whole number of these: file systems free no smaller pieces. */
const punchUnitBytes = 1024 * 1024;

export interface TailHost {
  clock: Clock;
  /** False when there is no connection, or it takes no more for now. */
  publish(offset: number, data: Uint8Array): boolean;
  /** Bytes that may be sent before the coordinator has stored them. */
  share(): number;
  /** Whether it has sent what is not stored yet. */
  active(is: boolean): void;
  /** The spool can't be read; it is tried again. */
  failed(error: unknown): void;
  /** Bytes of the spool file that nobody else needs. */
  needless(path: string): number;
  /** Frees the file's room between two offsets. */
  release(path: string, from: number, to: number): void;
}

/** One stream of one rank: from its spool file to NATS, at once when quiet, gathered under load. */
export class LogTail {
  private readonly file: SpoolFile;
  private readonly progress: Progress;
  private gathering: NodeJS.Timeout | undefined;
  /** There was more to send than was allowed. */
  private blocked = false;
  /** Since when bytes of it wait, and none was stored. */
  private behindSince: number | undefined;

  constructor(
    private readonly path: string,
    private readonly host: TailHost,
  ) {
    this.file = new SpoolFile(path);
    // What was punched was stored: an agent that starts anew need not ask.
    this.progress = startOfStream(host.clock.monotonic(), this.file.punchedTo);
  }

  get isStored(): boolean {
    return isStored(this.progress);
  }

  /** What has waited for so long, and how much it is. */
  overdue(afterMs: number): { since: number; bytes: number } | undefined {
    const since = this.behindSince;
    if (this.isStored || since === undefined || this.host.clock.now() - since < afterMs) return undefined;
    return { since, bytes: this.behind() };
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
    if (this.isStored) return;
    const { sent, stored } = this.progress;
    if (offset > stored) this.behindSince = undefined;
    noteStored(this.progress, offset, this.host.clock.monotonic());
    if (this.isStored) {
      this.close();
      return;
    }
    // Otherwise what is new is told by the file, and gathered.
    if (this.blocked || this.progress.sent < sent) this.send();
    else this.host.active(this.progress.sent > this.progress.stored);
    this.punch();
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
      shrink(this.progress);
      this.progress.rewinds++;
    }
    this.behindSince = this.behind() > 0 ? (this.behindSince ?? this.host.clock.now()) : undefined;
    this.grew();
  }

  close(): void {
    clearTimeout(this.gathering);
    this.host.active(false);
    this.file.close();
  }

  send(): void {
    try {
      this.sendWhatFits();
    } catch (error) {
      this.host.failed(error);
    }
    this.host.active(this.progress.sent > this.progress.stored);
  }

  private sendWhatFits(): void {
    const { progress, host } = this;
    const share = host.share();
    this.blocked = true;
    for (let free = room(progress, share); free > 0; free = room(progress, share)) {
      const data = this.file.read(progress.sent, Math.min(pieceBytes, free));
      if (data.length === 0) {
        this.blocked = false;
        return;
      }
      if (!host.publish(progress.sent, data)) return;
      // The time of silence begins with the first bytes that nobody has answered for.
      if (progress.sent === progress.stored) progress.movedAt = host.clock.monotonic();
      progress.sent += data.length;
      progress.publishedAt = host.clock.monotonic();
    }
  }

  private behind(): number {
    return (this.progress.final ?? this.file.length()) - this.progress.stored;
  }

  private punch(): void {
    if (this.progress.stored - this.file.punchedTo < punchBytes) return;
    const needless = Math.min(this.progress.stored, this.host.needless(this.path));
    const to = needless - (needless % punchUnitBytes);
    if (to - this.file.punchedTo < punchBytes) return;
    try {
      this.file.punch(to, (path, from, end) => this.host.release(path, from, end));
    } catch (error) {
      this.host.failed(error);
    }
  }
}
