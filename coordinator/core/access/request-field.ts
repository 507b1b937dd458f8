import { cut } from "../cut.js";

/** What the request has there; undefined where something on the way is missing. */
export function fieldAt(request: unknown, path: string): unknown {
  let at: unknown = request;
  for (const name of path.split(".")) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

const targetMax = 400;
const summaryMax = 400;

/** `{parent}/jobs/{name}` with the request's fields. */
export function filledIn(template: string, request: unknown): string {
  const filled = template.replace(/\{([\w.]+)\}/g, (_, path: string) => plain(fieldAt(request, path)));
  return clean(filled, targetMax);
}

/** `reason: fan is loud, graceSeconds: 5` */
export function summaryOf(request: unknown, paths: readonly string[]): string {
  const parts = paths.flatMap((path) => {
    const text = plain(fieldAt(request, path));
    return text === "" ? [] : [`${path.slice(path.lastIndexOf(".") + 1)}: ${text}`];
  });
  return clean(parts.join(", "), summaryMax);
}

function plain(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return cut(value.map(plain).join(" "), summaryMax);
  const entries = Object.entries(value).filter(([name, each]) => !name.startsWith("$") && plain(each) !== "");
  // A message of one field is that field.
  const [only] = entries;
  if (entries.length === 1 && only) return plain(only[1]);
  return cut(entries.map(([name, each]) => `${name}=${plain(each)}`).join(" "), summaryMax);
}

/** One line that shows what it is, also on a terminal. */
const clean = (text: string, most: number) =>
  cut(text.replace(/[\p{Cc}\p{Surrogate}\u2028\u2029]+/gu, " ").trim(), most);
