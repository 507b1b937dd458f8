/** Joins several sources of news into one wait. News that comes while nobody waits is kept. */
export class Wakeup {
  private news = false;
  private resume: (() => void) | undefined;

  wake(): void {
    this.news = true;
    this.resume?.();
  }

  /** Resolves at the next news, when the caller is gone, or after `timeoutMs`. */
  async wait(signal: AbortSignal, timeoutMs?: number): Promise<void> {
    if (!this.news && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener("abort", done);
          resolve();
        };
        this.resume = done;
        signal.addEventListener("abort", done);
      });
      this.resume = undefined;
    }
    this.news = false;
  }
}
