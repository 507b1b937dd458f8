import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildAll } from "../../scripts/build.js";
import { BenchSite } from "./bench-site.js";
import { type Figure, figures } from "./figures/index.js";
import { rounded } from "./measure.js";
import { unitOf } from "./unit.js";

const usage = `npm run bench [-- --json] [-- --only key,key] measures: ${figures.map(({ key }) => key).join(", ")}\n`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { json: { type: "boolean" }, only: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  const only = values.only?.split(",");
  const unknown = only?.filter((key) => !figures.some((figure) => figure.key === key)) ?? [];
  if (values.help || unknown.length > 0) {
    (values.help ? process.stdout : process.stderr).write(usage);
    return values.help ? 0 : 2;
  }
  await buildAll(resolve(import.meta.dirname, "../.."));
  const chosen = figures.filter(({ key, onRequest }) => only?.includes(key) ?? !onRequest);
  const results = await measureAll(chosen, values.json !== true);
  if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  return Object.values(results).every((value) => value !== null) ? 0 : 1;
}

type Value = number | Record<string, number> | null;

interface Row {
  name: string;
  met: boolean;
  text: string;
}

/** Null for a figure that could not be measured; why is on stderr. */
async function measureAll(chosen: Figure[], table: boolean): Promise<Record<string, Value>> {
  const results: Record<string, Value> = {};
  const told: Row[] = [];
  const site = await BenchSite.start();
  // An interrupted run must leave no daemon behind.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void site.stop().finally(() => process.exit(130)));
  }
  try {
    for (const figure of chosen) {
      const value = await figure.measure(site).catch((error: unknown) => {
        process.stderr.write(`${figure.key}: ${error instanceof Error ? error.message : String(error)}\n`);
        return null;
      });
      results[figure.key] = round(value);
      if (!table) continue;
      const fresh = rows(figure, value);
      told.push(...fresh);
      process.stdout.write(fresh.map(({ text }) => text).join(""));
    }
    if (table) process.stdout.write(summary(told));
  } finally {
    await site.stop();
  }
  return results;
}

function round(value: Value): Value {
  if (value === null) return null;
  if (typeof value === "number") return rounded(value);
  return Object.fromEntries(Object.entries(value).map(([part, number]) => [part, rounded(number)]));
}

/** One for each target: the figure, what was measured, the target, and whether it is met. */
function rows(figure: Figure, value: Value): Row[] {
  return Object.entries(figure.targets).map(([part, target]) => {
    const name = part === "" ? figure.key : `${figure.key}.${part}`;
    const unit = unitOf(figure.key, part);
    const got = typeof value === "number" ? value : value?.[part];
    const met = got !== undefined && (figure.atLeast ? got >= target : got <= target);
    const shown = got === undefined ? "failed" : `${rounded(got)} ${unit}`;
    const limit = `${figure.atLeast ? "≥" : "≤"} ${target} ${unit}`;
    const verdict = met ? "met   " : "MISSED";
    const text = `${name.padEnd(30)}${shown.padStart(13)}  ${limit.padEnd(13)} ${verdict}  ${figure.what}\n`;
    return { name, met, text };
  });
}

function summary(all: Row[]): string {
  const missed = all.filter(({ met }) => !met).map(({ name }) => name);
  const words = missed.length === 0 ? "all met" : `${missed.length} MISSED: ${missed.join(", ")}`;
  return `${all.length} figures, ${words}\n`;
}
