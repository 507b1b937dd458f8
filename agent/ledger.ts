import { createHash } from "node:crypto";
import {
  closeSync,
  fsync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type LeaseGrant, LeaseGrantSchema } from "../shared/gen/stoker/v1/lease_pb.js";
import { type LeaseId, parseLeaseId } from "../shared/ids.js";
import type { LeaseRun } from "./core/lease-state.js";

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
 * What this node holds, on disk: one small file a lease, replaced in one step, so that a restarted agent adopts its running ranks. A file
 * is a checksum's line and a line of JSON; it holds secrets, so only its owner may read it.
 */
export class Ledger {
  private readonly waiting = new Map<LeaseId, Waiting>();
  /** A grant never changes and is the larger part of its entry. */
  private readonly grants = new Map<LeaseId, string>();
  private flushing = false;

  constructor(
    private readonly dir: string,
    private readonly bootId: string,
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
      const entry = read(path, this.bootId);
      if (typeof entry !== "string") {
        stored.push(entry);
        continue;
      }
      renameSync(path, `${path}.unreadable`);
      aside(`${path}.unreadable`, entry);
    }
    return stored;
  }

  /** Undefined when it is written already. `safe` outlives a power cut, otherwise it outlives this process. */
  write(run: LeaseRun, safe: boolean): Promise<void> | undefined {
    if (!safe && !this.flushing) {
      this.replace(run);
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
    this.grants.delete(lease);
    rmSync(this.path(lease), { force: true });
  }

  /** All that wait share the folder's one sync. */
  private async flush(): Promise<void> {
    this.flushing = true;
    while (this.waiting.size > 0) {
      const batch = [...this.waiting.values()];
      this.waiting.clear();
      const outcomes = await Promise.allSettled(batch.map(({ run, safe }) => this.commit(run, safe)));
      const folder = await this.syncFolder(batch.some(({ safe }) => safe));
      for (const [index, { done, safe }] of batch.entries()) {
        const outcome = outcomes[index];
        const failure = outcome?.status === "rejected" ? outcome.reason : safe ? folder : undefined;
        for (const { resolve, reject } of done) failure === undefined ? resolve() : reject(failure);
      }
    }
    this.flushing = false;
  }

  private async commit(run: LeaseRun, safe: boolean): Promise<void> {
    if (!safe) return this.replace(run);
    const path = this.path(run.id);
    const descriptor = openSync(`${path}.new`, "w", 0o600);
    try {
      writeSync(descriptor, this.encode(run));
      await sync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(`${path}.new`, path);
  }

  private replace(run: LeaseRun): void {
    const path = this.path(run.id);
    writeFileSync(`${path}.new`, this.encode(run), { mode: 0o600 });
    renameSync(`${path}.new`, path);
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

  private encode(run: LeaseRun): string {
    const { grant, ranks, ...rest } = run;
    let text = this.grants.get(run.id);
    if (text === undefined) {
      text = JSON.stringify(toJson(LeaseGrantSchema, grant));
      this.grants.set(run.id, text);
    }
    const state = JSON.stringify({ ...rest, ranks: [...ranks] });
    const body = `{"boot":${JSON.stringify(this.bootId)},"grant":${text},"run":${state}}`;
    return `${checksum(body)}\n${body}\n`;
  }

  private path(lease: LeaseId): string {
    return join(this.dir, `${lease}.json`);
  }
}

const checksum = (body: string) => createHash("sha256").update(body).digest("hex");

/** The entry, or why there is none. */
function read(path: string, bootId: string): Stored | string {
  const [sum, body] = readFileSync(path, "utf8").split("\n");
  if (sum === undefined || body === undefined || checksum(body) !== sum) return "it is torn or was changed";
  try {
    const entry = JSON.parse(body) as { boot: string; grant: JsonValue; run: StoredRun };
    const grant: LeaseGrant = fromJson(LeaseGrantSchema, entry.grant, { ignoreUnknownFields: true });
    if (!parseLeaseId(grant.leaseId) || entry.run.id !== grant.leaseId) return "it is of no lease";
    return { run: { ...entry.run, grant, ranks: new Map(entry.run.ranks) }, sameBoot: entry.boot === bootId };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

type StoredRun = Omit<LeaseRun, "grant" | "ranks"> & {
  ranks: Array<[number, LeaseRun["ranks"] extends ReadonlyMap<number, infer R> ? R : never]>;
};
