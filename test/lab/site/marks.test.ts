import { describe, expect, it } from "vitest";
import { assertOneAtATime, firstMark, lastMark, type Marks } from "./marks.js";

const marks = (attempt: number, machine: string, ...times: number[]): Marks => ({ attempt, machine, pid: 1, times });

describe("marks", () => {
  it("accepts attempts that follow one another", () => {
    const seen = [marks(1, "m1", 10, 20), marks(1, "m2", 12, 25), marks(2, "m1", 30), marks(3, "m3", 40, 50)];
    expect(() => assertOneAtATime(seen)).not.toThrow();
    expect([firstMark(seen, 2), lastMark(seen, 1), lastMark(seen, 1, "m1")]).toEqual([30, 25, 20]);
  });

  it("refuses an attempt that ran on while the next had started elsewhere", () => {
    expect(() => assertOneAtATime([marks(1, "m1", 10), marks(1, "m2", 31), marks(2, "m1", 30)])).toThrow(
      "attempt 1 still ran 1 ms after attempt 2 had started",
    );
  });

  it("refuses an attempt that left no marks at all, which would prove nothing", () => {
    expect(() => assertOneAtATime([marks(1, "m1"), marks(2, "m1", 30)])).toThrow("attempt 1 left no marks");
  });
});
