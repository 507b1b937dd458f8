/**
 * How many frames of HTTP/2 all connections together hand on in one turn of the event loop. A frame that begins or ends a call costs some
 * 0.1 ms, and what lies in one socket may be thousands of them.
 */
export class FrameTurns {
  /** How many may be had just now, by whoever asks. */
  private left: number;
  private hasNext = false;
  private waiting: Array<() => void> = [];

  /** `share`: of those who wait, each has so many at most before the next has some. */
  constructor(
    private readonly framesPerTurn: number,
    private readonly share: number,
  ) {
    this.left = framesPerTurn;
  }

  /** Whether one more may be handed on now; if not, `wait`. */
  take(): boolean {
    if (this.left === 0) return false;
    this.left -= 1;
    this.expectNext();
    return true;
  }

  /** Runs `goOn` when it can take some, behind those who wait already. */
  wait(goOn: () => void): void {
    this.waiting.push(goOn);
    this.expectNext();
  }

  private expectNext(): void {
    if (this.hasNext) return;
    this.hasNext = true;
    setImmediate(() => this.next());
  }

  private next(): void {
    this.hasNext = false;
    let all = this.framesPerTurn;
    let served = 0;
    // Who has not had enough is at the end of the queue again.
    for (; all > 0 && served < this.waiting.length; served += 1) {
      const share = Math.min(this.share, all);
      this.left = share;
      this.waiting[served]?.();
      all -= share - this.left;
    }
    this.waiting = this.waiting.slice(served);
    this.left = all;
    if (this.waiting.length > 0) this.expectNext();
  }
}
