import { mkdirSync, readdirSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { jobFolder, type LogAddress } from "./address.js";
import { type OpenFile, OpenFiles } from "./files.js";

export type Appended = "grown" | "duplicate" | "gap";

/** So little is written at once, for whoever follows; more waits for `sync`, which writes in other threads. */
const atOnceBytes = 16 * 1024;

/** Told of every growth, before it is synced. */
export type GrowthListener = (address: LogAddress, length: number) => void;

/**
 * Every rank's stdout and stderr, each in a file of its own. A file is always the contiguous beginning of its stream: bytes that are
 * there already are left out, bytes that would leave a hole are refused until those before them came. So the file's length is all the
 * bookkeeping there is, and a stream without output has no file.
 */
export class LogStore {
  private readonly files: OpenFiles;
  private readonly dirty = new Set<OpenFile>();
  private readonly listeners = new Map<string, Set<GrowthListener>>();

  constructor(readonly root: string) {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    this.files = new OpenFiles(root);
  }

  /** Much is kept in memory until `sync`: the caller bounds how much, and leaves the bytes alone. */
  append(address: LogAddress, offset: number, data: Uint8Array): Appended {
    const length = this.files.end(address);
    const end = offset + data.length;
    // Neither an empty message nor bytes after a hole make a file.
    if (length === 0 && (end === 0 || offset > 0)) return offset > 0 ? "gap" : "duplicate";
    const file = this.files.get(address);
    // Synced again even if nothing is added: an earlier process may have died between write and sync.
    if (file.synced < file.end || end > length) this.dirty.add(file);
    if (offset > length) return "gap";
    if (end <= length) return "duplicate";
    this.take(file, data.subarray(length - offset));
    return "grown";
  }

  /** Bytes that can be read. */
  length(address: LogAddress): number {
    return this.files.length(address);
  }

  /** Bytes that would survive a power cut; asked after an append and a sync. */
  safeLength(address: LogAddress): number {
    return this.files.safeLength(address);
  }

  /** Writes everything appended so far, and makes it durable. One at a time. */
  async sync(): Promise<void> {
    const batch = [...this.dirty];
    this.dirty.clear();
    try {
      await this.files.sync(batch, (file) => this.tell(file));
    } catch (error) {
      for (const file of batch) this.dirty.add(file);
      throw error;
    }
    this.files.closeUnused();
  }

  private take(file: OpenFile, data: Uint8Array): void {
    if (file.queue.length > 0 || file.writing || data.length > atOnceBytes) {
      file.queue.push(data);
      file.end += data.length;
      return;
    }
    for (let rest = data; rest.length > 0; ) {
      const written = writeSync(file.fd, rest);
      file.length += written;
      file.end = file.length;
      rest = rest.subarray(written);
    }
    this.tell(file);
  }

  private tell({ address, length }: OpenFile): void {
    for (const listener of this.listeners.get(address.jobUuid) ?? []) listener(address, length);
  }

  /** Calls the listener at each growth of any stream of the job, until the returned function is called. */
  listen(jobUuid: string, listener: GrowthListener): () => void {
    const listeners = this.listeners.get(jobUuid) ?? new Set();
    this.listeners.set(jobUuid, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(jobUuid) === listeners) this.listeners.delete(jobUuid);
    };
  }

  async deleteJob(jobUuid: string): Promise<void> {
    for (const file of [...this.dirty]) if (file.address.jobUuid === jobUuid) this.dirty.delete(file);
    this.files.forgetJob(jobUuid);
    await rm(jobFolder(this.root, jobUuid), { recursive: true, force: true });
  }

  /** Removes what is left of jobs that were deleted by a process which ended before it could. */
  async sweep(exists: (jobUuid: string) => boolean): Promise<void> {
    for (const name of readdirSync(this.root)) if (!exists(name)) await this.deleteJob(name);
  }

  close(): void {
    this.files.closeAll();
  }
}
