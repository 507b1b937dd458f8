import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Figure, met, shown } from "./figure.js";
import { figures } from "./figures/index.js";
import { Site } from "./site.js";

/**
 * `npm run bench [-- --json] [-- --only key,key]`: measures real processes on this machine and prints a table, or one JSON object.
 * A missed target is marked, not an error; a figure that can't be measured is one.
 */
const { values } = parseArgs({ options: { json: { type: "boolean" }, only: { type: "string" } } });
const wanted = values.only?.split(",");
const chosen = figures.filter(
  (figure) => !wanted || figure.keys.some((key) => wanted.some((word) => key.startsWith(word))),
);
if (chosen.length === 0) {
  process.stderr.write(`no such figure; there are ${figures.flatMap((figure) => figure.keys).join(", ")}\n`);
  process.exit(2);
}

execFileSync(process.execPath, ["--import", "tsx", resolve(import.meta.dirname, "../../scripts/build.ts")], {
  stdio: ["ignore", "ignore", "inherit"],
});

const results: Record<string, number> = {};
const failures: string[] = [];
for (const figure of chosen) {
  process.stderr.write(`${figure.keys.join(", ")}: ${figure.description}\n`);
  try {
    Object.assign(results, await measured(figure));
  } catch (error) {
    failures.push(`${figure.keys.join(", ")}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
process.stdout.write(values.json ? `${JSON.stringify(results)}\n` : table(chosen));
for (const failure of failures) process.stderr.write(`not measured: ${failure}\n`);
process.exitCode = failures.length > 0 ? 1 : 0;

async function measured(figure: Figure): Promise<Record<string, number>> {
  await using site = await Site.start(figure.agents);
  const found = await figure.measure(site);
  return Object.fromEntries(Object.entries(found).map(([key, value]) => [key, Math.round(value * 100) / 100]));
}

function table(shownFigures: readonly Figure[]): string {
  const rows = shownFigures.flatMap((figure) =>
    figure.keys.map((key) => {
      const value = results[key];
      const target = figure.targets[key];
      if (value === undefined) return [key, "-", target ? shown(target) : "", "not measured"];
      return [key, String(value), target ? shown(target) : "", target && !met(target, value) ? "MISSED" : "ok"];
    }),
  );
  const header = ["figure", "measured", "target", ""];
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)));
  return [header, ...rows]
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
