import { describe, expect, it } from "vitest";
import { type Coverage, covers, heartbeatCame, longestPermitMs, sessionBegins, surelyLiveMs } from "./coverage.js";

const liveMs = 8_000;

/** Heartbeats as [time of receipt, sequence, newest answered]. */
function coverageOf(
  beats: ReadonlyArray<readonly [number, number, number]>,
  begun = sessionBegins(undefined, 0),
): Coverage {
  return beats.reduce(
    (coverage, [at, sequence, answered]) =>
      heartbeatCame(coverage, { sequence: BigInt(sequence), answered: BigInt(answered) }, at, liveMs),
    begun,
  );
}

describe("coverage", () => {
  it("goes on for as long as each heartbeat says that the one before was answered", () => {
    const coverage = coverageOf([
      [2_000, 1, 0],
      [4_000, 2, 1],
      [6_000, 3, 2],
    ]);
    expect([coverage.from, coverage.to]).toEqual([2_000, 12_000]);
  });

  it("ends where answers stop arriving, though heartbeats go on", () => {
    const coverage = coverageOf([
      [2_000, 1, 0],
      [4_000, 2, 1],
      [6_000, 3, 1],
      [8_000, 4, 1],
      [20_000, 5, 1],
    ]);
    expect([coverage.from, coverage.to]).toEqual([2_000, 10_000]);
  });

  it("begins anew after a gap", () => {
    const coverage = coverageOf([
      [2_000, 1, 0],
      [4_000, 2, 1],
      [30_000, 3, 1],
      [32_000, 4, 3],
    ]);
    expect([coverage.from, coverage.to]).toEqual([32_000, 38_000]);
  });

  it("proves nothing by heartbeats that were read late", () => {
    const coverage = coverageOf([
      [2_000, 1, 0],
      // The coordinator stood still; these had been waiting.
      [60_000, 2, 1],
      [60_000, 3, 1],
    ]);
    expect(covers(coverage, 55_000, 60_000)).toBe(false);
    expect(coverage.to).toBe(8_000);
  });

  it("believes no number that was never answered, and none that goes back", () => {
    const coverage = coverageOf([
      [2_000, 1, 7],
      [4_000, 1, 0],
      [5_000, 0, 1],
    ]);
    expect([coverage.from, coverage.to]).toEqual([0, 0]);
  });

  it("takes an answer of an earlier session for none of this", () => {
    const first = coverageOf([
      [2_000, 1, 0],
      [4_000, 2, 1],
    ]);
    const second = coverageOf([[30_000, 1, 2]], sessionBegins(first, 29_000));
    expect(second.to).toBe(10_000);
  });

  it("leaves room for clocks that differ by 1 % each way", () => {
    const ttlMs = 12_000;
    expect(longestPermitMs(ttlMs)).toBeGreaterThan((ttlMs * 1.01) / 0.99);
    expect(surelyLiveMs({ leaseTtlMs: ttlMs })).toBeLessThan(((ttlMs * 2) / 3 / 1.01) * 0.99);
  });
});
