/** What is going to happen, in the order of true time: a binary heap. Things of one instant happen in the order in which they were planned. */
export interface Planned {
  at: number;
  readonly order: number;
  readonly what: string;
  /** Part of the heartbeats' steady beat: moves along when a quiet time is skipped. */
  readonly steady: boolean;
  cancelled: boolean;
  readonly run: () => void;
}

export class Timeline {
  /** True time, in milliseconds: no node's clock. */
  now = 0;
  private heap: Planned[] = [];
  private planned = 0;

  at(time: number, what: string, run: () => void, steady = false): Planned {
    this.planned += 1;
    const one: Planned = {
      at: Math.max(time, this.now),
      order: this.planned,
      what,
      steady,
      cancelled: false,
      run,
    };
    this.push(one);
    return one;
  }

  after(delayMs: number, what: string, run: () => void, steady = false): Planned {
    return this.at(this.now + delayMs, what, run, steady);
  }

  /** Takes out the next, and goes on to its time. */
  next(): Planned | undefined {
    for (;;) {
      const first = this.heap[0];
      const last = this.heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (this.heap.length > 0) {
        this.heap[0] = last;
        this.down();
      }
      if (first.cancelled) continue;
      this.now = first.at;
      return first;
    }
  }

  /** When the first thing happens that is not part of the steady beat. */
  firstUnsteady(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const one of this.heap) if (!one.steady && !one.cancelled && one.at < first) first = one.at;
    return first;
  }

  /** Time goes by in which nothing happens but the steady beat, which afterwards goes on as if it had not. */
  skip(ms: number): void {
    this.now += ms;
    this.heap = this.heap.filter(({ cancelled }) => !cancelled);
    for (const one of this.heap) if (one.steady) one.at += ms;
    this.heap.sort(before);
  }

  private push(one: Planned): void {
    const { heap } = this;
    let at = heap.push(one) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || before(parent, one) <= 0) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = one;
  }

  private down(): void {
    const { heap } = this;
    const one = heap[0];
    if (one === undefined) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, left) < 0) child += 1;
      const least = heap[child];
      if (least === undefined || before(one, least) <= 0) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = one;
  }
}

const before = (a: Planned, b: Planned) => a.at - b.at || a.order - b.order;
