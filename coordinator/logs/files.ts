import { closeSync, fstatSync, fsync, mkdirSync, openSync, statSync } from "node:fs";
import { promisify } from "node:util";
import { attemptFolder, jobFolder, type LogAddress, logPath } from "./address.js";

const fsyncFile = promisify(fsync);

/** One file open for appending. `length` is what was written, `synced` what would survive a power cut. */
export interface OpenFile {
  address: LogAddress;
  path: string;
  fd: number;
  length: number;
  synced: number;
}

/** Open at once, at most; beyond it the longest unused are closed. */
const openMax = 256;
/** Synced at a time: libuv has four threads for all disk work, and reads must get through too. */
const syncsAtOnce = 3;

/** The open files of the log store, least recently used first. */
export class OpenFiles {
  private readonly open = new Map<string, OpenFile>();
  private readonly freshFolders = new Set<string>();

  constructor(private readonly root: string) {}

  /** Makes the file when there is none. What an earlier process wrote counts as synced only after the next sync. */
  get(address: LogAddress): OpenFile {
    const path = logPath(this.root, address);
    const known = this.open.get(path);
    if (known) {
      this.open.delete(path);
      this.open.set(path, known);
      return known;
    }
    const made = mkdirSync(attemptFolder(this.root, address), { recursive: true });
    if (made !== undefined) {
      this.freshFolders.add(this.root);
      this.freshFolders.add(jobFolder(this.root, address.jobUuid));
    }
    const fd = openSync(path, "a");
    const length = fstatSync(fd).size;
    if (length === 0) this.freshFolders.add(attemptFolder(this.root, address));
    const file = { address, path, fd, length, synced: 0 };
    this.open.set(path, file);
    return file;
  }

  /** 0 when there is no such file. */
  length(address: LogAddress): number {
    const path = logPath(this.root, address);
    return this.open.get(path)?.length ?? statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Files are closed only when synced; a file of an earlier process is opened by its first append. */
  safeLength(address: LogAddress): number {
    return this.open.get(logPath(this.root, address))?.synced ?? this.length(address);
  }

  /** After it, these files hold their bytes through a power cut. A file that was forgotten meanwhile is skipped. */
  async sync(files: Iterable<OpenFile>): Promise<void> {
    const waiting = [...files].map((file) => ({ file, length: file.length }));
    const folders = [...this.freshFolders];
    this.freshFolders.clear();
    try {
      const lane = async () => {
        for (let next = waiting.pop(); next; next = waiting.pop()) {
          const { file, length } = next;
          if (this.open.get(file.path) !== file) continue;
          await fsyncFile(file.fd).catch((error: unknown) => {
            // Its job was deleted meanwhile, and the file closed under the call.
            if (this.open.get(file.path) === file) throw error;
          });
          file.synced = Math.max(file.synced, length);
        }
      };
      await Promise.all(Array.from({ length: syncsAtOnce }, lane));
      for (const folder of folders) await syncFolder(folder);
    } catch (error) {
      for (const folder of folders) this.freshFolders.add(folder);
      throw error;
    }
  }

  /** Called when nothing waits for a sync. */
  closeUnused(): void {
    for (const file of this.open.values()) {
      if (this.open.size <= openMax) return;
      if (file.synced === file.length) this.close(file);
    }
  }

  forgetJob(jobUuid: string): void {
    for (const file of [...this.open.values()]) {
      if (file.address.jobUuid === jobUuid) this.close(file);
    }
  }

  closeAll(): void {
    for (const file of [...this.open.values()]) this.close(file);
  }

  private close(file: OpenFile): void {
    this.open.delete(file.path);
    closeSync(file.fd);
  }
}

/** A new name in a folder is durable when the folder is. */
async function syncFolder(path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return;
  const fd = openSync(path, "r");
  try {
    await fsyncFile(fd);
  } finally {
    closeSync(fd);
  }
}
