/** What was measured between two nodes, whichever way. */
export interface Pair {
  readonly from: string;
  readonly to: string;
  /** One way. */
  readonly latencyUs: number;
  /** Of the largest messages, in millions of bytes. */
  readonly bandwidthMBps: number;
}

export interface Judgement {
  readonly outcome: "passed" | "warned" | "failed";
  /** What stands out, in words; "" where nothing does. */
  readonly message: string;
}

/** Fewer tell nothing: of two, either may be the odd one. */
const pairsLeast = 3;
/** So many times worse than the usual pair. A link that came up at a lower rate has a quarter or a tenth; loads and routes differ by less than half. */
const warnAt = 2;
const failAt = 4;
/** Differences of latency below this are the machines' own doing. */
const slackUs = 20;

/**
 * How a pair does beside the others: what is usual is the median of them all, or of those without the node that is tested, whichever is better. Else a
 * node that is slow with everybody would be what is usual. What is slow between two others is no fault of the node.
 */
export function judgePair(pair: Pair, all: readonly Pair[], tested: string): Judgement {
  if (all.length < pairsLeast) return { outcome: "passed", message: "" };
  const isOwn = ({ from, to }: Pair) => from === tested || to === tested;
  const others = all.filter((each) => !isOwn(each));
  const groups = others.length === 0 ? [all] : [all, others];
  const latencyUs = Math.min(...groups.map((group) => median(group.map((each) => each.latencyUs))));
  const bandwidthMBps = Math.max(...groups.map((group) => median(group.map((each) => each.bandwidthMBps))));
  const worse = (times: number) => [
    ...(pair.latencyUs > latencyUs * times + slackUs
      ? [`its latency of ${shown(pair.latencyUs)} us is more than ${times} times the usual ${shown(latencyUs)} us`]
      : []),
    ...(pair.bandwidthMBps < bandwidthMBps / times
      ? [`its ${shown(pair.bandwidthMBps)} MB/s are less than 1/${times} of the usual ${shown(bandwidthMBps)} MB/s`]
      : []),
  ];
  const [bad, odd] = [worse(failAt), worse(warnAt)];
  if (bad.length > 0) return { outcome: isOwn(pair) ? "failed" : "warned", message: bad.join(", and ") };
  return odd.length > 0 ? { outcome: "warned", message: odd.join(", and ") } : { outcome: "passed", message: "" };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

/** As many digits as mean something. */
export const shown = (value: number) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
