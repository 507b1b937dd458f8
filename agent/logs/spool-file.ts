import { closeSync, existsSync, openSync, readFileSync, readSync, renameSync, statSync, writeFileSync } from "node:fs";

/**
 * One growing file of the spool, read by position and piece by piece. It may not exist yet. What is stored elsewhere is punched out of it:
 * its offsets stay, its room on the disk is free. How far that has gone is in a file of its own, so that zeros are never taken for bytes.
 */
export class SpoolFile {
  private fd: number | undefined;
  private punched: number;

  constructor(private readonly path: string) {
    this.punched = readPunched(`${path}.punched`);
  }

  /** Up to `limit` bytes from `offset`; empty at the end. */
  read(offset: number, limit: number): Buffer {
    if (offset < this.punched) return lost(Math.min(this.punched - offset, limit));
    const waiting = this.length() - offset;
    if (waiting <= 0) return nothing;
    this.fd ??= openSync(this.path, "r");
    const buffer = Buffer.allocUnsafeSlow(Math.min(waiting, limit));
    return buffer.subarray(0, readSync(this.fd, buffer, 0, buffer.length, offset));
  }

  length(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }

  get punchedTo(): number {
    return this.punched;
  }

  /** Written down before it is done: the other order could end in zeros that pass for bytes. */
  punch(to: number, release: (path: string, from: number, to: number) => void): void {
    const from = this.punched;
    writeFileSync(`${this.path}.punched.new`, String(to));
    renameSync(`${this.path}.punched.new`, `${this.path}.punched`);
    this.punched = to;
    release(this.path, from, to);
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }
}

const nothing = Buffer.alloc(0);

const readPunched = (path: string) => (existsSync(path) ? Number(readFileSync(path, "utf8")) : 0);

/** Stands for bytes that were stored once, and that a coordinator whose disk was replaced asks for again. */
function lost(bytes: number): Buffer {
  const mark = `[stoker: ${bytes} bytes lost: they were stored, and the coordinator has lost them]\n`;
  const filler = Buffer.alloc(bytes, "\n");
  filler.write(mark.length <= bytes ? mark : "", bytes - Math.min(bytes, mark.length));
  return filler;
}
