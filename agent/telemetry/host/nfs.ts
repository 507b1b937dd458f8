import { plainPath } from "./mounts.js";

/** What was done on one NFS mount since it was mounted. */
export interface NfsCounters {
  mountPoint: string;
  operations: number;
  transmissions: number;
  roundTripMs: number;
  executionMs: number;
}

const mountsMax = 16;

/** Pure. /proc/self/mountstats. */
export function parseMountstats(text: string): NfsCounters[] {
  const mounts: NfsCounters[] = [];
  let current: NfsCounters | undefined;
  let perOperation = false;
  for (const line of text.split("\n")) {
    const [, point, type] = /^device .* mounted on (\S+) with fstype (\S+)/.exec(line) ?? [];
    if (point !== undefined) {
      const known = mounts.length >= mountsMax || !/^nfs4?$/.test(type ?? "");
      current = known
        ? undefined
        : { mountPoint: plainPath(point), operations: 0, transmissions: 0, roundTripMs: 0, executionMs: 0 };
      if (current) mounts.push(current);
      perOperation = false;
    } else if (/^\s+per-op statistics/.test(line)) perOperation = true;
    else if (current && perOperation) count(current, line);
  }
  return mounts;
}

/** `READ: operations transmissions timeouts sent received queue-ms round-trip-ms execution-ms …` */
function count(counters: NfsCounters, line: string): void {
  const [, rest] = /^\s+[A-Z0-9_]+:\s+(.+)$/.exec(line) ?? [];
  const numbers = (rest ?? "").trim().split(/\s+/).map(Number);
  const [operations, transmissions, , , , , roundTripMs, executionMs] = numbers;
  if (executionMs === undefined || numbers.some((value) => !(value >= 0))) return;
  counters.operations += operations ?? 0;
  counters.transmissions += transmissions ?? 0;
  counters.roundTripMs += roundTripMs ?? 0;
  counters.executionMs += executionMs;
}

export interface NfsLatency {
  mountPoint: string;
  operationsPerSecond: number;
  /** Undefined when nothing was asked of the server. */
  roundTripMs?: number;
  executionMs?: number;
  /** Since it was mounted. */
  retransmissions: number;
}

export function latenciesOf(
  before: readonly NfsCounters[],
  after: readonly NfsCounters[],
  tookMs: number,
): NfsLatency[] {
  return after.flatMap((now) => {
    const was = before.find(({ mountPoint }) => mountPoint === now.mountPoint);
    const operations = now.operations - (was?.operations ?? Number.POSITIVE_INFINITY);
    if (!(operations >= 0 && tookMs > 0)) return [];
    const each = (name: "roundTripMs" | "executionMs") =>
      Math.round((10 * Math.max(0, now[name] - (was?.[name] ?? 0))) / operations) / 10;
    return {
      mountPoint: now.mountPoint,
      operationsPerSecond: Math.round((10_000 * operations) / tookMs) / 10,
      ...(operations > 0 ? { roundTripMs: each("roundTripMs"), executionMs: each("executionMs") } : {}),
      retransmissions: Math.max(0, now.transmissions - now.operations),
    };
  });
}
