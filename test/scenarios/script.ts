/**
 * A scenario is a text of steps: commands, a line `----`, and what the core answered, up to an empty line. `#` begins a comment.
 * With STOKER_SCENARIOS=write the answers are written into the file instead of compared, to be read in the diff.
 */
export interface ScriptStep {
  /** Comments and commands as they stand. */
  readonly lines: readonly string[];
  readonly expected: string;
}

export function parseScript(text: string): ScriptStep[] {
  const steps: ScriptStep[] = [];
  let lines: string[] = [];
  const all = text.trimEnd().split("\n");
  for (let at = 0; at < all.length; at += 1) {
    const line = all[at] ?? "";
    if (line !== "----") {
      lines.push(line);
      continue;
    }
    const answer: string[] = [];
    for (at += 1; at < all.length && all[at] !== ""; at += 1) answer.push(all[at] ?? "");
    steps.push({ lines, expected: answer.join("\n") });
    lines = [];
  }
  if (lines.length > 0) steps.push({ lines, expected: "" });
  return steps;
}

export function printScript(steps: ReadonlyArray<{ lines: readonly string[]; answer: string }>): string {
  const texts = steps.map(({ lines, answer }) => `${lines.join("\n")}\n----\n${answer}${answer === "" ? "" : "\n"}`);
  return `${texts.join("\n").trimEnd()}\n`;
}

export interface Command {
  readonly verb: string;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

export function parseCommand(line: string): Command | undefined {
  const [verb, ...rest] = line.replace(/#.*$/, "").trim().split(/\s+/);
  if (!verb) return undefined;
  const options = Object.fromEntries(
    rest
      .filter((word) => word.includes("="))
      .map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]),
  );
  return { verb, words: rest.filter((word) => !word.includes("=")), options };
}
