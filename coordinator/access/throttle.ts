import { Fault } from "../../shared/fault.js";

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

/** Makes whoever tries passwords wait, twice as long each time. */
export class Throttle {
  private readonly tries = new Map<string, Tries>();

  /** `freeTries`: wrong ones that cost nothing. */
  constructor(
    private readonly freeTries: number,
    private readonly now: () => number,
  ) {}

  /** Throws a Fault when it must wait. */
  refuse(key: string): void {
    const seconds = Math.ceil(((this.tries.get(key)?.until ?? 0) - this.now()) / 1_000);
    if (seconds > 0) {
      throw new Fault("resource-exhausted", `there were too many wrong passwords: try again in ${seconds} s`);
    }
  }

  wrong(key: string): void {
    const now = this.now();
    const before = this.tries.get(key);
    const wrong = before && now - before.latest < forgottenAfterMs ? before.wrong + 1 : 1;
    const over = wrong - this.freeTries;
    const waitMs = over <= 0 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** (over - 1));
    this.tries.delete(key);
    this.tries.set(key, { wrong, latest: now, until: now + waitMs });
    const [oldest] = this.tries.size > keptMost ? this.tries.keys() : [];
    if (oldest !== undefined) this.tries.delete(oldest);
  }

  right(key: string): void {
    this.tries.delete(key);
  }

  /** How many names and addresses are known. */
  get size(): number {
    return this.tries.size;
  }
}
