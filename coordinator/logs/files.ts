import { closeSync, fstatSync, fsync, mkdirSync, openSync, statSync, writev } from "node:fs";
import { promisify } from "node:util";
import { attemptFolder, jobFolder, type LogAddress, logPath } from "./address.js";

const fsyncFile = promisify(fsync);
const writeAll = promisify(writev);

/** One file open for appending: `synced` bytes would survive a power cut, `length` can be read, `end` is with those that wait in `queue`. */
export interface OpenFile {
  address: LogAddress;
  path: string;
  fd: number;
  synced: number;
  length: number;
  end: number;
  queue: Uint8Array[];
  /** What was queued before is being written. */
  writing: boolean;
}

/** Open at once, at most; beyond it the longest unused are closed. */
const openMax = 256;
/** Written by one call: as many as the system takes (IOV_MAX). */
const piecesMax = 1_024;
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
    const file = { address, path, fd, length, end: length, queue: [], writing: false, synced: 0 };
    this.open.set(path, file);
    return file;
  }

  /** 0 when there is no such file. */
  length(address: LogAddress): number {
    const path = logPath(this.root, address);
    return this.open.get(path)?.length ?? statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** With what waits to be written. */
  end(address: LogAddress): number {
    return this.open.get(logPath(this.root, address))?.end ?? this.length(address);
  }

  /** Files are closed only when synced; a file of an earlier process is opened by its first append. */
  safeLength(address: LogAddress): number {
    return this.open.get(logPath(this.root, address))?.synced ?? this.length(address);
  }

  /**
   * Writes what waits, and then these files hold their bytes through a power cut. Never in this thread: a disk that is slower than what
   * arrives holds up whoever writes. A file that was forgotten meanwhile is skipped.
   */
  async sync(files: Iterable<OpenFile>, grown: (file: OpenFile) => void): Promise<void> {
    const waiting = [...files];
    const folders = [...this.freshFolders];
    this.freshFolders.clear();
    try {
      const lane = async () => {
        for (let file = waiting.pop(); file; file = waiting.pop()) {
          try {
            await this.writeQueue(file, grown);
            if (this.open.get(file.path) !== file) continue;
            const { length } = file;
            await fsyncFile(file.fd);
            file.synced = Math.max(file.synced, length);
          } catch (error) {
            // Its job may have been deleted meanwhile, and the file closed under the call.
            if (this.open.get(file.path) === file) throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: syncsAtOnce }, lane));
      for (const folder of folders) await syncFolder(folder);
    } catch (error) {
      for (const folder of folders) this.freshFolders.add(folder);
      throw error;
    }
  }

  private async writeQueue(file: OpenFile, grown: (file: OpenFile) => void): Promise<void> {
    if (file.queue.length === 0) return;
    const pieces = file.queue;
    file.queue = [];
    file.writing = true;
    try {
      for (let rest = pieces; rest.length > 0; ) {
        if (this.open.get(file.path) !== file) return;
        const { bytesWritten } = await writeAll(file.fd, rest.slice(0, piecesMax));
        file.length += bytesWritten;
        rest = after(rest, bytesWritten);
      }
      grown(file);
    } catch (error) {
      // What was not written is forgotten: its nodes have it, and are not told that it is safe.
      file.queue = [];
      file.end = file.length;
      throw error;
    } finally {
      file.writing = false;
    }
  }

  /** Called when nothing waits for a sync. */
  closeUnused(): void {
    for (const file of this.open.values()) {
      if (this.open.size <= openMax) return;
      if (file.synced === file.end) this.close(file);
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

/** The pieces without their first `bytes`. */
function after(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const rest: Uint8Array[] = [];
  for (const piece of pieces) {
    if (left >= piece.length) left -= piece.length;
    else {
      rest.push(left === 0 ? piece : piece.subarray(left));
      left = 0;
    }
  }
  return rest;
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
