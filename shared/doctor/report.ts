import type { Told } from "./finding.js";

/** 1 when something must be mended. */
export const exitCodeOf = (told: readonly Told[]): number => (told.some(({ verdict }) => verdict === "fail") ? 1 : 0);

export const jsonReport = (told: readonly Told[]): string => `${JSON.stringify(told, undefined, 2)}\n`;

/** A line for each of `shown`, and below what is amiss the command that mends it; then how many there are of all. */
export function textReport(told: readonly Told[], shown = told): string {
  const width = Math.max(0, ...shown.map(({ check }) => check.length));
  const lines = shown.flatMap(({ check, verdict, sentence, remedy }) => [
    `${verdict.padEnd(4)}  ${check.padEnd(width)}  ${printable(sentence)}`,
    ...(remedy === undefined || verdict === "ok" ? [] : [`${" ".repeat(width + 8)}mend it: ${printable(remedy)}`]),
  ]);
  const count = (verdict: string) => told.filter((each) => each.verdict === verdict).length;
  return `${[...lines, `${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} to mend`].join("\n")}\n`;
}

/** What programs of the machine said must not move the cursor. */
const printable = (text: string) => text.replaceAll(/\p{Cc}+/gu, " ");
