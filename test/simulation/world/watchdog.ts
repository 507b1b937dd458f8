import type { LeaseId } from "../../../shared/ids.js";
import type { Machine } from "./machine.js";
import { Process } from "./process.js";
import type { Random } from "./random.js";
import type { Planned } from "./timeline.js";

/** Until when a lease's processes may run, as the agent wrote it last. */
export interface Fence {
  readonly boot: string;
  readonly until: number;
  readonly policy: string;
}

/** Frozen leases are looked at again this often. */
const againMs = 1_000;

/**
 * `stoker-shim watch`: outside of the agent, and the only one that freezes and lets go on. It has no state: what the fences say is made so,
 * by each look, and by one that has just started.
 */
export class Watchdog {
  readonly process: Process;
  private timer: Planned | undefined;
  private readonly random: Random;
  private readonly killed = new Set<LeaseId>();

  constructor(private readonly machine: Machine) {
    const { world } = machine;
    this.process = new Process(`${machine.name} watchdog`, world.timeline, machine.clock, world.crashed);
    this.random = machine.random.fork(`watchdog ${machine.name}`);
    this.notice();
  }

  kill(): void {
    this.process.kill();
  }

  /** A fence was written: it looks soon, also when many other programs run. */
  notice(): void {
    const { world } = this.machine;
    const { random } = this;
    const soon = !world.plan.jitter ? 1 : random.chance(0.05) ? random.span(5, 300) : random.next() * 3;
    world.timeline.after(soon, "watchdog looks", () => this.process.take(() => this.look()), true);
  }

  private look(): void {
    const { fences, boot, clock } = this.machine;
    const now = clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const [lease, { boot: of, until, policy }] of fences) {
      if (of !== boot || policy === "continue") continue;
      const late = now >= until;
      this.make(lease, late, policy);
      next = Math.min(next, late ? now + againMs : until);
    }
    if (this.timer) this.timer.cancelled = true;
    if (next < Number.POSITIVE_INFINITY)
      this.timer = this.process.after(Math.max(1, next - now), "deadline", () => this.look(), true);
  }

  private make(lease: LeaseId, frozen: boolean, policy: string): void {
    const leased = this.machine.leased(lease);
    if (!leased || leased.frozen === frozen) return;
    if (frozen) {
      this.machine.world.seen(this.process.name, `freezes ${lease}`);
      leased.freeze();
      if (policy !== "kill" || this.killed.has(lease)) return;
      this.killed.add(lease);
      const { world, random } = this.machine;
      world.timeline.after(random.span(5, 200), "killed by the watchdog", () => leased.killAll());
    } else {
      this.machine.world.seen(this.process.name, `lets ${lease} go on`);
      this.killed.delete(lease);
      leased.thaw();
    }
  }
}
