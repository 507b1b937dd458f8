import { Fault } from "../../shared/fault.js";

/** Wrong tries that cost nothing. */
const freeTries = 5;
const firstWaitMs = 1_000;
const longestWaitMs = 300_000;
/** After so long without one nothing is held against anybody. */
const forgottenAfterMs = 900_000;
/** Names and addresses, made up ones too. The oldest is forgotten first. */
const keptMost = 10_000;

interface Tries {
  wrong: number;
  latest: number;
  /** No try counts before. */
  until: number;
}

/** Makes whoever tries passwords wait, twice as long each time: by the name that is tried, and by the address that tries. */
export class Throttle {
  private readonly tries = new Map<string, Tries>();

  constructor(private readonly now: () => number) {}

  /** Throws a Fault when one of them must wait. */
  refuse(...keys: string[]): void {
    const until = Math.max(...keys.map((key) => this.tries.get(key)?.until ?? 0));
    const seconds = Math.ceil((until - this.now()) / 1_000);
    if (seconds > 0) {
      throw new Fault("resource-exhausted", `there were too many wrong passwords: try again in ${seconds} s`);
    }
  }

  wrong(...keys: string[]): void {
    const now = this.now();
    for (const key of keys) {
      const before = this.tries.get(key);
      const wrong = before && now - before.latest < forgottenAfterMs ? before.wrong + 1 : 1;
      const waitMs = wrong <= freeTries ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** (wrong - freeTries - 1));
      this.tries.delete(key);
      this.tries.set(key, { wrong, latest: now, until: now + waitMs });
      const [oldest] = this.tries.size > keptMost ? this.tries.keys() : [];
      if (oldest !== undefined) this.tries.delete(oldest);
    }
  }

  right(key: string): void {
    this.tries.delete(key);
  }

  /** How many names and addresses are known. */
  get size(): number {
    return this.tries.size;
  }
}
