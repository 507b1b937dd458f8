import { createHash } from "node:crypto";
import {
  closeSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { isFull } from "../shared/disk-reserve.js";
import { type LeaseId, parseLeaseId } from "../shared/ids.js";
import type { LeaseRun, RankState } from "./core/lease-state.js";
import { openGrant, type SealedGrant, sealGrant } from "./sealing/grant-seal.js";

const sync = promisify(fsync);

export interface Stored {
  run: LeaseRun;
  /** False when the machine has been started anew since it was written. */
  sameBoot: boolean;
}

interface Waiting {
  run: LeaseRun;
  safe: boolean;
  done: Array<{ resolve: () => void; reject: (error: unknown) => void }>;
}

/**
 * What this node holds, on disk: one small file a lease, so that a restarted agent adopts its running ranks. A file is made whole and synced
 * before it gets its name; later states are appended. Each record is a checksum's line and a line of JSON, and the last whole one counts: what
 * was being written when the power went is passed over. Only its owner may read it, and values of secrets are sealed with a key that is in
 * memory alone: a disk that is taken out tells none.
 */
export class Ledger {
  private readonly waiting = new Map<LeaseId, Waiting>();
  /** Leases whose file is there, with the length of its whole records: from now on it is appended to. */
  private readonly known = new Map<LeaseId, number>();
  private flushing = false;

  constructor(
    private readonly dir: string,
    /** `key` seals secrets, and is found again while the machine runs; without one they are written as they are. */
    private readonly boot: { id: string; key: Buffer | undefined },
    /** In the background. */
    private readonly unlink: (path: string) => void,
    /** Makes room on a full disk; false when there is none to make. */
    private readonly spend: () => boolean = () => false,
  ) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  }

  /** Every entry that can be read; the others are set aside, each with a word about why. */
  load(aside: (file: string, why: string) => void): Stored[] {
    const stored: Stored[] = [];
    for (const file of readdirSync(this.dir)) {
      const path = join(this.dir, file);
      if (file.endsWith(".new")) rmSync(path, { force: true });
      if (!file.endsWith(".json")) continue;
      const entry = read(path, this.boot);
      if (typeof entry === "string") {
        renameSync(path, `${path}.unreadable`);
        aside(`${path}.unreadable`, entry);
        continue;
      }
      if (entry.torn) {
        // What is appended next must follow a whole record.
        truncateSync(path, entry.wholeBytes);
        aside(path, "its last record is torn; the one before it counts");
      }
      stored.push(entry.stored);
      this.known.set(entry.stored.run.id, entry.wholeBytes);
    }
    return stored;
  }

  /** Undefined when it is written already. `safe` outlives a power cut, otherwise it outlives this process. */
  write(run: LeaseRun, safe: boolean): Promise<void> | undefined {
    if (!safe && !this.waiting.has(run.id) && this.known.has(run.id)) {
      this.withRoom(() => {
        const descriptor = openSync(this.path(run.id), "r+");
        try {
          this.append(run, descriptor);
        } finally {
          closeSync(descriptor);
        }
      });
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const before = this.waiting.get(run.id);
      const done = [...(before?.done ?? []), { resolve, reject }];
      this.waiting.set(run.id, { run, safe: safe || (before?.safe ?? false), done });
      if (!this.flushing) void this.flush();
    });
  }

  /** The lease is over. Should the file come back after a power cut, the coordinator answers that it is superseded. */
  remove(lease: LeaseId): void {
    const waiting = this.waiting.get(lease);
    this.waiting.delete(lease);
    for (const { resolve } of waiting?.done ?? []) resolve();
    this.known.delete(lease);
    this.unlink(this.path(lease));
  }

  /** All that wait share the folder's one sync. */
  private async flush(): Promise<void> {
    this.flushing = true;
    while (this.waiting.size > 0) {
      const batch = [...this.waiting.values()];
      // A new file's name has to be made safe as well.
      const named = batch.some(({ run, safe }) => safe && !this.known.has(run.id));
      const outcomes = await Promise.allSettled(batch.map(({ run, safe }) => this.commit(run, safe)));
      const folder = await this.syncFolder(named);
      for (const { run } of batch) if (this.waiting.get(run.id)?.run === run) this.waiting.delete(run.id);
      for (const [index, { done, safe }] of batch.entries()) {
        const outcome = outcomes[index];
        const failure = outcome?.status === "rejected" ? outcome.reason : safe ? folder : undefined;
        for (const { resolve, reject } of done) failure === undefined ? resolve() : reject(failure);
      }
    }
    this.flushing = false;
  }

  private async commit(run: LeaseRun, safe: boolean): Promise<void> {
    const path = this.path(run.id);
    const first = !this.known.has(run.id);
    const descriptor = openSync(first ? `${path}.new` : path, first ? "w" : "r+", 0o600);
    let length = 0;
    try {
      this.withRoom(() => {
        if (first) length = writeAll(descriptor, record(this.wholeOf(run)), 0);
        else this.append(run, descriptor);
      });
      if (safe) await sync(descriptor);
    } catch (error) {
      if (first) rmSync(`${path}.new`, { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
    if (!first) return;
    renameSync(`${path}.new`, path);
    this.known.set(run.id, length);
  }

  /** After the last whole record, over whatever a full disk left of another: behind half a one nothing would be found again. */
  private append(run: LeaseRun, descriptor: number): void {
    const length = this.known.get(run.id) ?? 0;
    try {
      this.known.set(run.id, writeAll(descriptor, record(stateOf(run)), length));
    } catch (error) {
      ftruncateSync(descriptor, length);
      throw error;
    }
  }

  private withRoom(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!isFull(error) || !this.spend()) throw error;
      write();
    }
  }

  /** What went wrong, if anything. */
  private async syncFolder(needed: boolean): Promise<unknown> {
    if (!needed) return undefined;
    try {
      const descriptor = openSync(this.dir, "r");
      await sync(descriptor).finally(() => closeSync(descriptor));
      return undefined;
    } catch (error) {
      return error;
    }
  }

  private wholeOf(run: LeaseRun): string {
    const { grant, sealed } = sealGrant(run.grant, this.boot.key);
    return `{"boot":${JSON.stringify(this.boot.id)},"grant":${JSON.stringify(grant)},${sealed === undefined ? "" : `"sealed":"${sealed}",`}"run":${stateOf(run)}}`;
  }

  private path(lease: LeaseId): string {
    return join(this.dir, `${lease}.json`);
  }
}

/** A grant never changes, so only the first record has it. */
function stateOf(run: LeaseRun): string {
  const { grant: _, ranks, ...rest } = run;
  return JSON.stringify({ ...rest, ranks: [...ranks] });
}

/** Where it ends. A nearly full disk may take a part of it without a word. */
function writeAll(descriptor: number, text: string, position: number): number {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length)
    written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
  return position + written;
}

const checksum = (body: string) => createHash("sha256").update(body).digest("hex");
const record = (body: string) => `${checksum(body)}\n${body}\n`;

/** The bodies of the whole records, how far they reach, and whether something else follows them. */
function recordsOf(text: string): { bodies: string[]; wholeBytes: number; torn: boolean } {
  const lines = text.split("\n");
  const bodies: string[] = [];
  let wholeBytes = 0;
  for (let at = 0; at + 2 < lines.length; at += 2) {
    const [sum, body] = [lines[at], lines[at + 1]];
    if (body === undefined || checksum(body) !== sum) break;
    bodies.push(body);
    wholeBytes += Buffer.byteLength(record(body));
  }
  return { bodies, wholeBytes, torn: wholeBytes < Buffer.byteLength(text) };
}

/** The entry, or why there is none. */
function read(
  path: string,
  boot: { id: string; key: Buffer | undefined },
): { stored: Stored; torn: boolean; wholeBytes: number } | string {
  try {
    const { bodies, torn, wholeBytes } = recordsOf(readFileSync(path, "utf8"));
    const [first, ...later] = bodies;
    if (first === undefined) return "it is torn or was changed";
    const entry = JSON.parse(first) as SealedGrant & { boot: string; run: StoredRun };
    const last = later.at(-1);
    const run = last === undefined ? entry.run : (JSON.parse(last) as StoredRun);
    const { grant, whole } = openGrant(entry, boot.key);
    if (!parseLeaseId(grant.leaseId) || run.id !== grant.leaseId) return "it is of no lease";
    const sameBoot = entry.boot === boot.id;
    // Nothing is started again after a boot. Without it, what is started without its secrets would do something else than it was asked to.
    if (sameBoot && !whole) return "the key that opens its secrets is gone from memory";
    return {
      stored: { run: { ...run, grant, ranks: new Map(run.ranks) }, sameBoot },
      torn,
      wholeBytes,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

type StoredRun = Omit<LeaseRun, "grant" | "ranks"> & { ranks: Array<[number, RankState]> };
