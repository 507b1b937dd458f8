/** A pattern such as `\/+$` looks again from every slash of a long row: these look once. */

export function withoutLastSlashes(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === "/") end -= 1;
  return text.slice(0, end);
}

export function withoutOuterSlashes(text: string): string {
  let start = 0;
  while (text[start] === "/") start += 1;
  return withoutLastSlashes(text.slice(start));
}
