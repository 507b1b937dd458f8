import { usage } from "../failure.js";

/** The number that a job's output tells about it: the last one that the pattern finds. */
export class Metric {
  readonly name: string;
  private readonly pattern: RegExp;

  constructor(text: string) {
    try {
      this.pattern = new RegExp(text, "g");
    } catch (error) {
      throw usage(`--metric "${text}": ${error instanceof Error ? error.message : String(error)}`);
    }
    if (!/(?<!\\)\((?!\?)/.test(text))
      throw usage(`--metric "${text}": put the number in brackets, as in acc=([0-9.]+)`);
    this.name = /^[A-Za-z_][\w .-]*/.exec(text)?.[0].trim() || "metric";
  }

  in(line: string): number | undefined {
    let last: number | undefined;
    for (const [, text] of line.matchAll(this.pattern)) {
      const value = Number(text);
      if (text !== undefined && text.trim() !== "" && Number.isFinite(value)) last = value;
    }
    return last;
  }
}
