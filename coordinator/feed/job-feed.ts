import type { JobId } from "../../shared/ids.js";

/** Tells those who watch a job that something about it changed; they look for themselves what. */
export class JobFeed {
  private readonly listeners = new Map<JobId, Set<() => void>>();

  /** Until the returned function is called. */
  listen(job: JobId, listener: () => void): () => void {
    const listeners = this.listeners.get(job) ?? new Set();
    this.listeners.set(job, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(job) === listeners) this.listeners.delete(job);
    };
  }

  changed(job: JobId): void {
    for (const listener of this.listeners.get(job) ?? []) listener();
  }
}
