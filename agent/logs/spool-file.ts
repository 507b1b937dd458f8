import { closeSync, openSync, readSync, statSync } from "node:fs";

/** One growing file of the spool, read by position and piece by piece. It may not exist yet. */
export class SpoolFile {
  private fd: number | undefined;

  constructor(private readonly path: string) {}

  /** Up to `limit` bytes from `offset`; empty at the end. */
  read(offset: number, limit: number): Buffer {
    const waiting = this.length() - offset;
    if (waiting <= 0) return nothing;
    this.fd ??= openSync(this.path, "r");
    const buffer = Buffer.allocUnsafeSlow(Math.min(waiting, limit));
    return buffer.subarray(0, readSync(this.fd, buffer, 0, buffer.length, offset));
  }

  length(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }
}

const nothing = Buffer.alloc(0);
