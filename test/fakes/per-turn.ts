/** Counts what happens, and how much of it at most in one turn of the event loop. */
export class PerTurn {
  all = 0;
  most = 0;
  private now = 0;

  count(): void {
    if (this.now === 0) {
      setImmediate(() => {
        this.most = Math.max(this.most, this.now);
        this.now = 0;
      });
    }
    this.all += 1;
    this.now += 1;
  }
}
