import type { LeaseRun } from "../../../agent/core/lease-state.js";
import type { LeaseId } from "../../../shared/ids.js";
import type { Random } from "./random.js";

interface Entry {
  readonly boot: string;
  /** As a program of this boot reads it. */
  cached: LeaseRun | undefined;
  /** As it is there after a power cut. */
  synced: LeaseRun | undefined;
}

/** An agent's ledger as its disk has it: what was synced outlives a power cut, what was only written may, what is removed may come back. */
export class LedgerDisk {
  full = false;
  /** How long a sync takes now. */
  syncMs = 1;
  private readonly entries = new Map<LeaseId, Entry>();

  constructor(private readonly random: Random) {}

  write(run: LeaseRun, boot: string, safe: boolean): void {
    const entry = this.entries.get(run.id) ?? { boot, cached: undefined, synced: undefined };
    entry.cached = run;
    if (safe) entry.synced = run;
    this.entries.set(run.id, entry);
  }

  remove(lease: LeaseId): void {
    const entry = this.entries.get(lease);
    if (!entry) return;
    if (entry.synced === undefined || this.random.chance(0.7)) this.entries.delete(lease);
    else entry.cached = undefined;
  }

  load(): Array<{ run: LeaseRun; boot: string }> {
    return [...this.entries.values()].flatMap(({ cached, boot }) => (cached ? [{ run: cached, boot }] : []));
  }

  /** The last record may have reached the disk all the same, or be torn: then the one before it counts. */
  cutPower(): void {
    for (const [lease, entry] of this.entries) {
      const lucky = entry.cached !== undefined && this.random.chance(0.3);
      const left = lucky ? entry.cached : entry.synced;
      if (left === undefined) this.entries.delete(lease);
      else this.entries.set(lease, { boot: entry.boot, cached: left, synced: left });
    }
  }
}
