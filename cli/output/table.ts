/** Columns as wide as their widest cell; the last one as wide as it is, so that lines have no trailing blanks. */
export function table(headers: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const shown = rows.map((row) => row.map(printable));
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...shown.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width));
  return `${[headers, rule, ...shown].map(line).join("\n")}\n`;
}

export type Detail = readonly [label: string, value: string];

/** One resource, a line for each thing worth knowing; those without a value are left out. */
export function details(rows: readonly Detail[]): string {
  const told = rows.filter(([, value]) => value !== "");
  const width = Math.max(0, ...told.map(([label]) => label.length)) + 1;
  return told.map(([label, value]) => `${`${label}:`.padEnd(width)}  ${printable(value)}\n`).join("");
}

/** What came over the network must not move the cursor or break the table. */
const printable = (text: string) => text.replace(/\p{Cc}+/gu, " ");

/** For `cut` and spreadsheets: cells alone, with tabs between them. */
export const tsv = (rows: ReadonlyArray<readonly string[]>): string =>
  rows.map((cells) => `${cells.map((cell) => cell.replaceAll(/[\t\n]/g, " ")).join("\t")}\n`).join("");
