import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";

export interface DiskReserveOptions {
  /** The data folder. */
  dir: string;
  /** Below so much free space nothing new is taken on. */
  bytes: number;
  log: Logger;
}

const lookMs = 1_000;
const fileBytesMax = 8 * 2 ** 20;
const pieceBytes = 2 ** 20;

/**
 * Room for what already runs. Below `bytes` of free space the disk counts as low, and whoever takes on new work refuses it. A part of that room
 * is held by a file, which other programs can't use up: it is given up when a write that must succeed finds no space.
 */
export class DiskReserve {
  /** In words with the next step; undefined while there is room. */
  private reason: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly path: string;
  private readonly fileBytes: number;

  constructor(private readonly options: DiskReserveOptions) {
    this.path = join(options.dir, "reserve");
    this.fileBytes = Math.min(fileBytesMax, Math.floor(options.bytes / 4));
  }

  get low(): string | undefined {
    return this.reason;
  }

  start(): void {
    this.look();
    this.timer = setInterval(() => this.look(), lookMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Compares the free space with what is to be kept, and lays the file down (again) when there is enough. */
  look(): void {
    const { dir, bytes } = this.options;
    const free = freeBytes(dir);
    // Once low, somewhat more is wanted, so that one deleted file does not change its mind twice a second.
    const wanted = this.reason === undefined ? bytes : bytes + this.fileBytes + bytes / 8;
    this.turn(free >= wanted && this.fill() ? undefined : lowReason(dir, free, bytes));
  }

  /** Gives the file up. False when there was none: then there is no more room. */
  spend(): boolean {
    const held = sizeOf(this.path);
    if (held === 0) return false;
    rmSync(this.path, { force: true });
    this.options.log.warn({ dir: this.options.dir, bytes: held }, "the disk is full: its reserve is used");
    this.turn(lowReason(this.options.dir, freeBytes(this.options.dir), this.options.bytes));
    return true;
  }

  /** Said once for each change. */
  private turn(reason: string | undefined): void {
    const before = this.reason;
    this.reason = reason;
    if (reason !== undefined && before === undefined) this.options.log.error(reason);
    if (reason === undefined && before !== undefined)
      this.options.log.info({ dir: this.options.dir }, "the disk has room again");
  }

  /** False when there is no room for it. */
  private fill(): boolean {
    if (sizeOf(this.path) === this.fileBytes) return true;
    try {
      const file = openSync(this.path, "w", 0o600);
      try {
        const piece = Buffer.alloc(pieceBytes, "stoker reserve ");
        for (let left = this.fileBytes; left > 0; ) left -= writeSync(file, piece, 0, Math.min(left, piece.length));
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      return true;
    } catch (error) {
      if (!isFull(error)) throw error;
      rmSync(this.path, { force: true });
      return false;
    }
  }
}

/** The write found no space left, or met a quota. */
export const isFull = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");

function freeBytes(dir: string): number {
  const { bavail, bsize, files, ffree } = statfsSync(dir);
  // Some file systems don't count inodes.
  return files > 0 && ffree === 0 ? 0 : bavail * bsize;
}

const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const lowReason = (dir: string, free: number, bytes: number) =>
  `the disk of ${dir} has ${mebibytes(free)} left, less than the ${mebibytes(bytes)} that are kept for what runs: make room there`;
