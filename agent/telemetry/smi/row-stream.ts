import { readRow, type SmiRow } from "./rows.js";

const longestRest = 64 * 1024;

/**
 * What a looping `nvidia-smi --query-gpu` writes, as samples: all GPUs once. The program marks no end; a sample is whole when the next begins,
 * which is when an index does not grow, or when as many GPUs have come as there are.
 */
export class RowStream {
  private rest = "";
  private rows: SmiRow[] = [];
  /** Lines that are no rows: what it says when it fails. */
  words = "";

  constructor(
    private readonly fields: readonly string[],
    private readonly expected: () => number,
  ) {}

  push(text: string): SmiRow[][] {
    const lines = (this.rest + text).split("\n");
    this.rest = (lines.pop() ?? "").slice(-longestRest);
    return lines.flatMap((line) => this.line(line));
  }

  /** What came and was followed by nothing for a while: there are fewer GPUs than there were. */
  takeRest(): SmiRow[] | undefined {
    const { rows } = this;
    this.rows = [];
    return rows.length > 0 ? rows : undefined;
  }

  private line(line: string): SmiRow[][] {
    const row = readRow(line, this.fields);
    if (!row) {
      if (line.trim() !== "") this.words = `${this.words}${line}\n`.slice(-2_000);
      return [];
    }
    const before = row.index <= (this.rows.at(-1)?.index ?? -1) ? this.takeRest() : undefined;
    this.rows.push(row);
    const whole = this.rows.length >= Math.max(1, this.expected()) ? this.takeRest() : undefined;
    return [before, whole].filter((rows) => rows !== undefined);
  }
}
