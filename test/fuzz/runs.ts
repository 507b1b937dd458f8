import fc from "fast-check";

/**
 * How often properties run, and from which seed. `npm run fuzz` raises the one and sets the other by its environment; a failure prints the
 * seed and the path that give the same case again.
 */
const factor = Number(process.env.STOKER_FUZZ_FACTOR ?? "1");
const seed = process.env.STOKER_FUZZ_SEED;
const path = process.env.STOKER_FUZZ_PATH;

/** Of a case with megabytes in it. */
const reportMax = 6_000;

export const runs = <T>(few: number): fc.Parameters<T> => ({
  numRuns: Math.max(1, Math.round(few * factor)),
  ...(seed === undefined ? {} : { seed: Number(seed) }),
  ...(path === undefined ? {} : { path }),
});

/** What is said beside a property, by somebody whom it does not generate: the same for the same seed. */
export const sampled = <T>(arbitrary: fc.Arbitrary<T>, count: number): T[] =>
  fc.sample(arbitrary, { numRuns: count, seed: Number(seed ?? "1") });

/** As fc.assert, with a report of readable length. */
export function check<T>(property: fc.IProperty<T>, few: number): void {
  report(fc.check(property, runs<T>(few)));
}

export async function checkAsync<T>(property: fc.IAsyncProperty<T>, few: number): Promise<void> {
  report(await fc.check(property, runs<T>(few)));
}

function report<T>(details: fc.RunDetails<T>): void {
  if (!details.failed) return;
  const words = fc.defaultReportMessage({ ...details, counterexample: null } as fc.RunDetails<T>);
  const shown = fc.stringify(details.counterexample);
  const cause = "errorInstance" in details ? details.errorInstance : undefined;
  throw new Error(`${(words ?? "").slice(0, reportMax)}\nCounterexample: ${shown.slice(0, reportMax)}`, { cause });
}
