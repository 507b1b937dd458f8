import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { usage } from "../failure.js";
import { type Axis, isParameterName } from "./axis.js";
import type { Parameters } from "./combinations.js";

/**
 * What a sweep takes from files: each line as the parameter `line`, or as several when the lines are rows of a table (.csv, .tsv with a first line
 * of names) or objects (.jsonl); files of a folder, or those that a pattern fits, as the parameter `file`.
 */
export async function listed(linesFile: string | undefined, files: string | undefined): Promise<Axis[]> {
  return [
    ...(linesFile === undefined ? [] : [await linesOf(linesFile)]),
    ...(files === undefined ? [] : [await filesOf(files)]),
  ];
}

async function linesOf(path: string): Promise<Axis> {
  const text = await readFile(path, "utf8").catch((error: unknown) => refuse("--lines", path, error));
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length === 0) throw usage(`--lines: ${path} has no line with anything on it`);
  switch (extname(path).toLowerCase()) {
    case ".csv":
      return { kind: "rows", rows: tableOf(path, lines, ",") };
    case ".tsv":
      return { kind: "rows", rows: tableOf(path, lines, "\t") };
    case ".jsonl":
      return { kind: "rows", rows: objectsOf(path, lines) };
    default:
      return { name: "line", kind: "values", values: lines };
  }
}

function tableOf(path: string, [head = "", ...lines]: readonly string[], separator: string): Parameters[] {
  const names = head.split(separator).map((name) => checkedName(path, 1, name.trim()));
  if (new Set(names).size < names.length) throw usage(`--lines: ${path}: a name stands twice in its first line`);
  if (lines.length === 0) throw usage(`--lines: ${path} has no line below its names`);
  return lines.map((line, at) => {
    const values = line.split(separator).map((value) => value.trim());
    if (values.length !== names.length) {
      throw usage(`--lines: ${path}:${at + 2}: ${values.length} values for ${names.length} names`);
    }
    return Object.fromEntries(names.map((name, column) => [name, values[column] ?? ""]));
  });
}

function objectsOf(path: string, lines: readonly string[]): Parameters[] {
  return lines.map((line, at) => {
    const where = `--lines: ${path}:${at + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw usage(`${where}: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw usage(`${where}: is no JSON object`);
    return Object.fromEntries(
      Object.entries(value).map(([name, item]: [string, unknown]) => {
        if (!["string", "number", "boolean"].includes(typeof item)) {
          throw usage(`${where}: ${name} is neither a text, a number, true nor false`);
        }
        return [checkedName(path, at + 1, name), String(item)];
      }),
    );
  });
}

function checkedName(path: string, line: number, name: string): string {
  if (isParameterName(name)) return name;
  throw usage(`--lines: ${path}:${line}: "${name}" can't be a parameter's name`);
}

async function filesOf(given: string): Promise<Axis> {
  const pattern = basename(given);
  const folder = /[*?]/.test(pattern) ? dirname(given) : given;
  if (/[*?]/.test(folder)) throw usage(`--files: ${given}: * and ? stand in the last part of a path alone`);
  const fits = folder === given ? /^/ : patternOf(pattern);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) =>
    refuse("--files", folder, error),
  );
  const names = entries.filter((entry) => entry.isFile() && fits.test(entry.name)).map(({ name }) => name);
  if (names.length === 0) throw usage(`--files: ${folder} holds no files${folder === given ? "" : ` ${pattern}`}`);
  return { name: "file", kind: "values", values: names.sort().map((name) => join(folder, name)) };
}

/** As a shell does, hidden files are only meant by a pattern that begins with a dot. */
function patternOf(pattern: string): RegExp {
  const hidden = pattern.startsWith(".") ? "" : "(?!\\.)";
  const body = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${hidden}${body}$`);
}

function refuse(option: string, path: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  throw usage(`${option}: ${path} can't be read${code === undefined ? "" : ` (${code})`}`);
}
