/** Words of roff's man macros, each an array of lines. */
export type Roff = readonly string[];

/** A backslash is roff's own, a hyphen would become a typographic one, and a line that begins with a dot or an apostrophe would be an order. */
export const escaped = (text: string) =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("`", "")
    .replaceAll(/^([.'])/gm, "\\&$1");

export const bold = (text: string) => `\\fB${escaped(text)}\\fR`;

export const page = (name: string, section: number, summary: string, body: Roff): string =>
  [
    `.TH "${name.toUpperCase()}" ${section} "" "Stoker"`,
    ".SH NAME",
    `${escaped(name)} \\- ${escaped(summary)}`,
    ...body,
    "",
  ].join("\n");

export const section = (title: string, ...body: Roff): Roff => [`.SH "${title}"`, ...body];
export const subsection = (title: string, ...body: Roff): Roff => [`.SS "${escaped(title)}"`, ...body];
export const paragraph = (text: string): Roff => [".PP", ...text.split("\n").map(escaped)];
export const verbatim = (text: string): Roff => [".PP", ".RS 4", ".nf", ...text.split("\n").map(escaped), ".fi", ".RE"];

/** What something is called, and below it what it is. */
export const item = (term: string, text: string): Roff => [".TP", bold(term), escaped(text)];
export const see = (...pages: ReadonlyArray<readonly [string, number]>): Roff =>
  section("SEE ALSO", pages.map(([name, number]) => `\\fB${escaped(name)}\\fR(${number})`).join(", "));
