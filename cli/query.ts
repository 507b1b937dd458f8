import { usage } from "./failure.js";
import type { outputFormats } from "./options.js";
import { toJson } from "./output/json.js";
import { table, tsv } from "./output/table.js";

type QueryFormat = (typeof outputFormats)[number];

/** `--query` of az: what a JMESPath expression (jmespath.org) picks from a command's JSON, in the format that was asked for. */
export async function queried(json: string, expression: string, format: QueryFormat): Promise<string> {
  const result = await picked(parsed(json), expression);
  if (format === "json" || format === "jsonc") return toJson(result);
  if (result === null) return "";
  const { headers, rows } = rowsOf(result);
  return format === "tsv" ? tsv(rows) : table(headers, rows);
}

function parsed(json: string): Json {
  try {
    return JSON.parse(json) as Json;
  } catch {
    throw usage("--query picks from what a command shows as JSON, and this one shows none");
  }
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

async function picked(value: Json, expression: string): Promise<Json> {
  const { search } = await import("@jmespath-community/jmespath");
  try {
    return search(value, expression) as Json;
  } catch (error) {
    throw usage(
      `--query: ${error instanceof Error ? error.message : String(error)}: see jmespath.org for what it may be`,
    );
  }
}

/** As az shows it: an object's names are columns; what has no names is a result. */
function rowsOf(result: Exclude<Json, null>): { headers: string[]; rows: string[][] } {
  const items = Array.isArray(result) ? result : [result];
  if (items.every(isObject) && items.length > 0) {
    const headers = [...new Set(items.flatMap((item) => Object.keys(item)))];
    return { headers, rows: items.map((item) => headers.map((name) => cell(item[name] ?? null))) };
  }
  if (items.every(Array.isArray) && items.length > 0) {
    const width = Math.max(...items.map((item) => item.length));
    const headers = Array.from({ length: width }, (_, column) => `Column${column + 1}`);
    return { headers, rows: items.map((item) => headers.map((__, column) => cell(item[column] ?? null))) };
  }
  return { headers: ["Result"], rows: items.map((item) => [cell(item)]) };
}

const isObject = (value: Json): value is { [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function cell(value: Json): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
