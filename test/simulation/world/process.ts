import type { Clock } from "../../../shared/clock.js";
import type { Planned, Timeline } from "./timeline.js";

/** A machine's clocks: they go a little too fast or too slow, and the one for people may jump. */
export class LocalClock implements Clock {
  private jumpedMs = 0;
  /** Time that was skipped because nothing happened in it: see docs/simulation.md. */
  private skippedMs = 0;

  constructor(
    private readonly timeline: Timeline,
    /** Local milliseconds in one true one. */
    readonly rate: number,
    private readonly startMs: number,
  ) {}

  monotonic(): number {
    return this.startMs + (this.timeline.now - this.skippedMs) * this.rate;
  }

  now(): number {
    return 1_700_000_000_000 + this.timeline.now * this.rate + this.jumpedMs;
  }

  /** How long a local duration takes in true time. */
  trueMs(localMs: number): number {
    return localMs / this.rate;
  }

  jump(ms: number): void {
    this.jumpedMs += ms;
  }

  standStill(ms: number): void {
    this.skippedMs += ms;
  }
}

/** Thrown where a process dies in the middle of something. */
export class Died extends Error {}

type Kind = "timer" | "input";

/** One operating-system process: what it planned and was sent waits while it is stopped, and is gone when it is killed. */
export class Process {
  alive = true;
  stopped = false;
  private waiting: Array<{ kind: Kind; run: () => void }> = [];

  constructor(
    readonly name: string,
    readonly timeline: Timeline,
    readonly clock: LocalClock,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Something comes in: now, once it goes on, or never. */
  take(run: () => void, kind: Kind = "input"): void {
    if (!this.alive) return;
    if (this.stopped) {
      this.waiting.push({ kind, run });
      return;
    }
    this.inside(run);
  }

  /** Runs with the timers of this process in place of the global ones. */
  inside(run: () => void): void {
    running = this;
    try {
      run();
    } catch (error) {
      if (!(error instanceof Died)) this.failed(error);
    }
  }

  kill(): void {
    this.alive = false;
    this.waiting = [];
  }

  stop(): void {
    this.stopped = true;
  }

  /** What came meanwhile, input before timers or the other way round: both happen. */
  go(inputFirst: boolean): void {
    this.stopped = false;
    const all = this.waiting;
    this.waiting = [];
    const first = inputFirst ? "input" : "timer";
    for (const one of all) if (one.kind === first) this.take(one.run, one.kind);
    for (const one of all) if (one.kind !== first) this.take(one.run, one.kind);
  }

  /** Local milliseconds from now. */
  after(localMs: number, what: string, run: () => void, steady = false): Planned {
    return this.timeline.after(
      this.clock.trueMs(localMs),
      `${this.name}: ${what}`,
      () => this.take(run, "timer"),
      steady,
    );
  }
}

/** Whose code runs now; promises that it resolved are run to their ends before another's does. */
let running: Process | undefined;

interface Timer {
  planned: Planned | undefined;
  unref(): void;
}

/**
 * The engines and sessions of the daemons use the global timers: here these are the timers of the process that runs. Gives what undoes it.
 */
export function installTimers(): () => void {
  const real = { ...pick(globalThis) };
  const owner = () => {
    if (!running) throw new Error("a timer was set outside of every process");
    return running;
  };
  const once = (run: () => void, ms: number): Timer => {
    const process = owner();
    const timer: Timer = { planned: undefined, unref: () => undefined };
    timer.planned = process.after(Math.max(1, ms), "timer", run, true);
    return timer;
  };
  const clear = (timer: Timer | undefined) => {
    if (timer?.planned) timer.planned.cancelled = true;
    if (timer) timer.planned = undefined;
  };
  Object.assign(globalThis, {
    setTimeout: (run: () => void, ms = 0) => once(run, ms),
    setImmediate: (run: () => void) => owner().after(0, "turn", run),
    setInterval: (run: () => void, ms: number) => {
      const process = owner();
      const timer: Timer = { planned: undefined, unref: () => undefined };
      const again = () => {
        timer.planned = process.after(
          ms,
          "interval",
          () => {
            again();
            run();
          },
          true,
        );
      };
      again();
      return timer;
    },
    clearTimeout: clear,
    clearInterval: clear,
  });
  return () => {
    Object.assign(globalThis, real);
    running = undefined;
  };
}

const pick = ({ setTimeout, setImmediate, setInterval, clearTimeout, clearInterval }: typeof globalThis) => ({
  setTimeout,
  setImmediate,
  setInterval,
  clearTimeout,
  clearInterval,
});
