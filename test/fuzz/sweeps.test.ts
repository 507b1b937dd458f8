import fc from "fast-check";
import { expect, test } from "vitest";
import { type Axis, parseAxis } from "../../cli/sweep/axis.js";
import { combinationsMax, drawn, grid, type Parameters } from "../../cli/sweep/combinations.js";
import { substituted } from "../../cli/sweep/substitute.js";
import { admitDuration, admitMemory } from "../../coordinator/core/admission/quantities.js";
import { Fault } from "../../shared/fault.js";
import { mutatedText } from "./arbitraries/bytes.js";
import { text } from "./arbitraries/text.js";
import { atWork } from "./at-work.js";
import { check } from "./runs.js";

/** Texts of options: what they ask for, or one line about what is wrong with them, and never for as long or as much as somebody can write. */

const isUsage = (error: unknown) =>
  error instanceof Error && error.constructor !== Error && error.name !== "TypeError" && !(error instanceof RangeError);

function orRefused<T>(what: string, work: () => T): T | undefined {
  try {
    return atWork(what, work);
  } catch (error) {
    if (!isUsage(error) || String(error).includes("kept the event loop")) throw error;
    return undefined;
  }
}

/** A word of a command line is no longer than that in Linux. */
const wordMax = 131_072;
const axisText = fc.oneof(
  mutatedText(["lr=0.1,0.01", "lr=log:1e-5..1e-1", "layers=int:2..8", "x=-1.5..+2e3", "__proto__=a,b"]),
  text(wordMax).map((value) => `a=${value}`),
  fc
    .tuple(fc.constantFrom(".", "..", "1", "e", "-"), fc.integer({ min: 1, max: wordMax }))
    .map(([piece, count]) => `a=${piece.repeat(count / piece.length)}x`),
);

test("--grid: an axis with values or a range, or a refusal, soon", () => {
  check(
    fc.property(axisText, (given) => {
      const axis = orRefused("--grid", () => parseAxis(given));
      if (axis?.kind === "values") expect(new Set(axis.values).size).toBe(axis.values.length);
      if (axis?.kind === "range") expect(axis.from).toBeLessThan(axis.to);
    }),
    300,
  );
});

const values = (most: number) =>
  fc.uniqueArray(
    text(20).filter((each) => each !== ""),
    { minLength: 1, maxLength: most },
  );
const axis: fc.Arbitrary<Axis> = fc.oneof(
  values(6).map((given): Axis => ({ name: "", kind: "values", values: given })),
  fc
    .integer({ min: 1, max: 4_000 })
    .map((count): Axis => ({ name: "", kind: "values", values: Array.from({ length: count }, (_, at) => String(at)) })),
);
const axes = fc
  .array(axis, { minLength: 1, maxLength: 5 })
  .map((each) => each.map((one, at) => ({ ...one, name: at === 0 ? "__proto__" : `p${at}` })));

const own = (made: Parameters[]) => new Set(made.map((one) => JSON.stringify(Object.entries(one))));

test("a grid is every combination once, or too many and never made", () => {
  check(
    fc.property(axes, (given) => {
      const count = given.reduce((product, one) => product * (one.kind === "values" ? one.values.length : 0), 1);
      const made = orRefused("a grid", () => grid(given));
      expect(made?.length).toBe(count > combinationsMax ? undefined : count);
      if (made) expect(own(made).size).toBe(count);
      for (const one of made?.slice(0, 10) ?? [])
        expect(Object.keys(one).sort()).toEqual(given.map(({ name }) => name).sort());
    }),
    60,
  );
});

test("--random draws as many different ones, the same for a seed, or says that there are too few", () => {
  const range = fc
    .tuple(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom("linear" as const, "whole" as const),
    )
    .map(([from, step, scale]): Axis => ({ name: "r", kind: "range", from, to: from + step, scale }))
    .filter((one) => one.kind === "range" && one.from < one.to);
  check(
    fc.property(range, fc.integer({ min: 1, max: 20 }), fc.nat(), (one, count, seed) => {
      let made: Parameters[];
      try {
        made = drawn([one], count, seed);
      } catch (error) {
        if (!isUsage(error)) throw error;
        return;
      }
      expect(own(made).size).toBe(count);
      expect(drawn([one], count, seed)).toEqual(made);
      for (const { r } of made) expect(Number.isFinite(Number(r))).toBe(true);
    }),
    15,
  );
});

test("equal lines are too few different ones, not a search without an end", () => {
  const lines: Axis = { name: "line", kind: "values", values: ["a", "a", "b"] };
  expect(() => drawn([lines], 3, 1)).toThrow("only 2 different");
  expect(drawn([lines], 2, 1)).toHaveLength(2);
});

test("a parameter goes into a body as it is, and none of it is read again", () => {
  check(
    fc.property(text(), fc.dictionary(text(20), fc.oneof(fc.integer(), fc.array(fc.boolean()))), (value, rest) => {
      const body = { a: ["x {{ p }} y"], rest };
      expect(substituted(body, { p: value })).toEqual({ ...body, a: [`x ${value} y`] });
    }),
    100,
  );
});

test("durations and amounts are numbers that count exactly, or a Fault", () => {
  const quantity = fc.oneof(
    mutatedText(["P7D", "PT1H30M", "P1W", "7.00:00:00", "16g", "512MiB", "1.5T", "100"]),
    text(2_000),
    fc
      .tuple(fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.constantFrom("", "g", "T", "D"))
      .map(([number, unit]) => (unit === "D" ? `P${number}D` : `${number}${unit}`)),
  );
  check(
    fc.property(quantity, (given) => {
      for (const admit of [admitDuration, admitMemory]) {
        try {
          const admitted = atWork("a quantity", () => admit("x", given));
          if (admitted === undefined) expect(given.trim()).toBe("");
          else expect(Number.isSafeInteger(admitted) && admitted > 0).toBe(true);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          expect(error.message.length).toBeLessThan(500);
        }
      }
    }),
    300,
  );
});
