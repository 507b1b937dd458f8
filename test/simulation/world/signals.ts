import type { LeaseId } from "../../../shared/ids.js";
import type { Machine } from "./machine.js";
import type { Planned } from "./timeline.js";

/** Kills everything of a lease: one order after the other. As agent/ranks/lease-signals.ts gives them. */
export class Signals {
  private readonly queues = new Map<LeaseId, Array<() => void>>();
  private readonly underWay = new Map<LeaseId, Planned>();

  constructor(private readonly machine: Machine) {}

  give(lease: LeaseId, done: () => void = () => undefined): void {
    const queue = this.queues.get(lease) ?? [];
    this.queues.set(lease, queue);
    queue.push(done);
    if (!this.underWay.has(lease)) this.next(lease);
  }

  forget(lease: LeaseId): void {
    this.queues.delete(lease);
  }

  /** An order that was being carried out may have been, or not. */
  died(): void {
    for (const [lease, planned] of this.underWay) {
      planned.cancelled = true;
      if (this.machine.random.chance(0.5)) this.machine.leased(lease)?.killAll();
    }
  }

  private next(lease: LeaseId): void {
    const done = this.queues.get(lease)?.shift();
    if (!done) return;
    const { world, random, agent } = this.machine;
    const planned = world.timeline.after(random.span(2, 400), `${this.machine.name} kills ${lease}`, () => {
      this.underWay.delete(lease);
      this.machine.leased(lease)?.killAll();
      agent?.process.take(() => {
        done();
        this.next(lease);
      });
    });
    this.underWay.set(lease, planned);
  }
}
