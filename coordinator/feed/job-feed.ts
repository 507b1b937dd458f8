import type { JobId } from "../../shared/ids.js";

/** A turn of the event loop takes some milliseconds for so many. */
const toldAtOnce = 50;

/** Tells those who watch a job that something about it changed; they look for themselves what. */
export class JobFeed {
  private readonly listeners = new Map<JobId, Set<() => void>>();
  /** To be told; each once, however often its job changes meanwhile. */
  private readonly waiting = new Set<() => void>();
  private telling = false;

  /** Until the returned function is called. */
  listen(job: JobId, listener: () => void): () => void {
    const listeners = this.listeners.get(job) ?? new Set();
    this.listeners.set(job, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      this.waiting.delete(listener);
      if (listeners.size === 0 && this.listeners.get(job) === listeners) this.listeners.delete(job);
    };
  }

  changed(job: JobId): void {
    for (const listener of this.listeners.get(job) ?? []) this.tell(listener);
  }

  /** In its turn, as if its job had changed: for a first look. */
  tell(listener: () => void): void {
    this.waiting.add(listener);
    if (!this.telling) this.tellLater();
  }

  private tellLater(): void {
    this.telling = true;
    setImmediate(() => this.tellSome());
  }

  /** Some thousands may watch one job, and each costs a message: the rest comes after whatever else waits for its turn. */
  private tellSome(): void {
    let left = toldAtOnce;
    for (const listener of this.waiting) {
      if (left === 0) break;
      left -= 1;
      this.waiting.delete(listener);
      listener();
    }
    this.telling = false;
    if (this.waiting.size > 0) this.tellLater();
  }
}
