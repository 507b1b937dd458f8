import type { TokenId } from "../../shared/ids.js";

/** A token's row is written this seldom, however busy it is. */
const writtenEveryMs = 60_000;

/** When tokens were used last: noted in memory by each call, written now and then. */
export class TokenUses {
  private readonly latest = new Map<TokenId, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly write: (uses: Array<{ token: TokenId; at: number }>) => void,
    private readonly now: () => number,
  ) {}

  used(token: TokenId): void {
    this.latest.set(token, this.now());
    this.timer ??= setTimeout(() => this.flush(), writtenEveryMs).unref();
  }

  /** Of what is not written yet. */
  latestOf(token: TokenId): number | undefined {
    return this.latest.get(token);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const uses = [...this.latest].map(([token, at]) => ({ token, at }));
    this.latest.clear();
    if (uses.length > 0) this.write(uses);
  }
}
