import type { LeaseRun } from "../../../agent/core/lease-state.js";
import type { LeaseId } from "../../../shared/ids.js";
import type { Machine } from "./machine.js";
import type { Process } from "./process.js";

/** What the agent's engine knows of its ledger: writes that need not be safe are done at once, once the entry is there. */
export class AgentLedger {
  private readonly known = new Set<LeaseId>();
  private readonly waiting = new Map<LeaseId, number>();
  private readonly underWay = new Set<() => void>();
  /** Syncs of one folder follow one another. */
  private freeAt = 0;

  constructor(
    private readonly machine: Machine,
    private readonly process: Process,
  ) {}

  load(): Array<{ run: LeaseRun; boot: string }> {
    const stored = this.machine.ledger.load();
    for (const { run } of stored) this.known.add(run.id);
    return stored;
  }

  write(run: LeaseRun, safe: boolean): Promise<void> | undefined {
    const { ledger, boot } = this.machine;
    if (!safe && this.known.has(run.id) && !this.waiting.has(run.id)) {
      if (ledger.full) throw new Error("ENOSPC: no space left on device");
      ledger.write(run, boot, false);
      return undefined;
    }
    return new Promise((resolve, reject) => this.commit(run, safe, resolve, reject));
  }

  remove(lease: LeaseId): void {
    this.known.delete(lease);
    this.machine.ledger.remove(lease);
  }

  /** What was asked for may have been done, or not. */
  died(): void {
    for (const write of this.underWay) if (this.machine.random.chance(0.5)) write();
  }

  private commit(run: LeaseRun, safe: boolean, resolve: () => void, reject: (error: unknown) => void): void {
    const { ledger, boot, world, random } = this.machine;
    this.waiting.set(run.id, (this.waiting.get(run.id) ?? 0) + 1);
    const write = () => ledger.write(run, boot, false);
    this.underWay.add(write);
    const took = ledger.syncMs * (0.5 + random.next());
    this.freeAt = Math.max(this.freeAt, world.timeline.now) + took;
    world.timeline.at(this.freeAt, `${this.machine.name} ledger`, () => {
      if (!this.process.alive) return;
      this.underWay.delete(write);
      // The disk does its part also while the agent is stopped; the name, and what follows, wait.
      this.process.take(() => {
        const left = (this.waiting.get(run.id) ?? 1) - 1;
        if (left === 0) this.waiting.delete(run.id);
        else this.waiting.set(run.id, left);
        if (ledger.full) {
          reject(new Error("ENOSPC: no space left on device"));
          return;
        }
        ledger.write(run, boot, safe);
        this.known.add(run.id);
        resolve();
      });
    });
  }
}
