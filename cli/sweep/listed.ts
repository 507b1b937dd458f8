import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { usage } from "../failure.js";
import type { Axis } from "./axis.js";

/** Lines of a file as the parameter `line`, files of a folder as the parameter `file`. */
export async function listed(linesFile: string | undefined, folder: string | undefined): Promise<Axis[]> {
  const axes: Axis[] = [];
  if (linesFile !== undefined) {
    const text = await readFile(linesFile, "utf8").catch((error: unknown) => refuse("--lines", linesFile, error));
    const values = text.split(/\r?\n/).filter((line) => line.trim() !== "");
    if (values.length === 0) throw usage(`--lines: ${linesFile} has no line with anything on it`);
    axes.push({ name: "line", kind: "values", values });
  }
  if (folder !== undefined) {
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) =>
      refuse("--files", folder, error),
    );
    const values = entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
    if (values.length === 0) throw usage(`--files: ${folder} holds no files`);
    axes.push({ name: "file", kind: "values", values: values.sort() });
  }
  return axes;
}

function refuse(option: string, path: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  throw usage(`${option}: ${path} can't be read${code === undefined ? "" : ` (${code})`}`);
}
