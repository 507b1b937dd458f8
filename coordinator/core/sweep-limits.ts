import { besidesQuota, jobObjection } from "./checks/index.js";
import type { World } from "./memory.js";
import { HeldBack } from "./quota/held-back.js";
import type { Cluster, Job } from "./state.js";

/**
 * Jobs of a sweep that may not start yet, because as many of its jobs as it allows hold a lease already. They don't stand in the way of
 * others: the queue goes on behind them. One object serves one pass, and is told what the pass starts.
 */
export class SweepLimits {
  private running: Map<string, number> | undefined;
  private readonly quotas: HeldBack;

  constructor(
    private readonly world: World,
    private readonly cluster: Cluster,
  ) {
    this.quotas = new HeldBack(world);
  }

  /** How many run, when that is as many as may; else undefined. */
  reached(job: Job): number | undefined {
    const { sweep } = job.request;
    if (sweep?.runningMax === undefined) return undefined;
    // Counted only once somebody asks: most passes meet no sweep.
    this.running ??= this.count();
    const running = this.running.get(keyOf(job, sweep.name)) ?? 0;
    return running >= sweep.runningMax ? running : undefined;
  }

  /** It may not start now, and others may go on behind it. */
  holds(job: Job): boolean {
    if (this.reached(job) !== undefined || this.quotas.holds(job)) return true;
    return jobObjection(job, this.world, besidesQuota) !== undefined;
  }

  started(job: Job): void {
    this.quotas.started();
    const { sweep } = job.request;
    if (sweep && this.running) add(this.running, keyOf(job, sweep.name));
  }

  /** The first of the cluster's queue that no limit holds back. */
  first(): Job | undefined {
    // Where nothing fits into the cluster's size, the queue may be as long as it likes.
    const { maximum } = this.cluster.size;
    const sizes = this.world.index.queuedSizes.get(this.cluster.uuid);
    if (![...(sizes?.keys() ?? [])].some((nodeCount) => nodeCount <= maximum)) return undefined;
    for (const uuid of this.world.index.queue.get(this.cluster.uuid)?.values() ?? []) {
      const job = this.world.jobs.get(uuid);
      if (job && !this.holds(job)) return job;
    }
    return undefined;
  }

  private count(): Map<string, number> {
    const running = new Map<string, number>();
    for (const uuid of this.world.index.active.get(this.cluster.uuid)?.values() ?? []) {
      const job = this.world.jobs.get(uuid);
      if (job?.request.sweep) add(running, keyOf(job, job.request.sweep.name));
    }
    return running;
  }
}

const keyOf = (job: Job, sweep: string) => `${job.experiment} ${sweep}`;
const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
