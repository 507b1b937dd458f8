import type { ChaosResult } from "./chaos.js";
import { violationKinds } from "./checker.js";

/** The table at the end. */
export function report({ evidence, violations, blamed, missedFaults, repeatedCalls }: ChaosResult): string[] {
  const { outcomes, journals, disturbances, acknowledged } = evidence;
  const attempts = outcomes.flatMap((outcome) => outcome.attempts);
  const bytes = attempts.flatMap(({ logs }) => [...logs.values()]).reduce((sum, { text }) => sum + text.length, 0);
  const counted = countBy(disturbances.map(({ kind }) => kind));
  return [
    `jobs acknowledged     ${acknowledged.length} (${repeatedCalls} calls had to be repeated)`,
    `attempts              ${attempts.length}; ${journals.length} processes wrote ${journals.reduce((sum, { marks }) => sum + marks.length, 0)} marks`,
    `log bytes compared    ${bytes}`,
    `faults                ${disturbances.length}${missedFaults > 0 ? `, and ${missedFaults} that found nobody` : ""}`,
    ...[...counted].map(([kind, count]) => `  ${kind.padEnd(28)}${String(count).padStart(5)}`),
    `attempts that ended by a fault`,
    ...[...blamed].map(([kind, count]) => `  ${kind.padEnd(28)}${String(count).padStart(5)}`),
    "violations",
    ...violationKinds.map((kind) => {
      const count = violations.filter((violation) => violation.kind === kind).length;
      return `  ${kind.padEnd(28)}${String(count).padStart(5)}`;
    }),
    ...violations.map(({ kind, what }) => `${kind.toUpperCase()}: ${what}`),
  ];
}

function countBy(all: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const each of [...all].sort()) counts.set(each, (counts.get(each) ?? 0) + 1);
  return counts;
}
