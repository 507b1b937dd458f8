/** Shorter values would take half of the text with them. */
const shortest = 4;

/** What is told of the end of what a program wrote: it may print what it was given. */
export function withoutSecrets(text: string, secrets: ReadonlyArray<{ value: string }>): string {
  // The longest first: one may be part of another.
  const known = secrets.filter(({ value }) => value.length >= shortest).sort((a, b) => b.value.length - a.value.length);
  return known.reduce((told, { value }) => withoutItsEnd(told.replaceAll(value, "***"), value), text);
}

/** The text may begin in the middle of one. */
function withoutItsEnd(text: string, value: string): string {
  for (let from = 1; from <= value.length - shortest; from++) {
    if (text.startsWith(value.slice(from))) return `***${text.slice(value.length - from)}`;
  }
  return text;
}
