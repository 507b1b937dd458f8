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

/** `{parent}/jobs/{name}` with the request's fields; of `users/{user}` one that says `users/ada` as well as one that says `ada`. */
export function filledIn(template: string, request: unknown): string {
  const filled = template.replace(/(\w+\/)?\{([\w.]+)\}/g, (_, before: string | undefined, path: string) => {
    const value = plain(fieldAt(request, path));
    return before === undefined || value.startsWith(before) ? value : `${before}${value}`;
  });
  return oneLine(filled, targetMax);
}

/** `reason: fan is loud, graceSeconds: 5`. `timeText`: of milliseconds since the epoch. */
export function summaryOf(request: unknown, paths: readonly string[], timeText: (ms: number) => string): string {
  const parts = paths.flatMap((path) => {
    const value = fieldAt(request, path);
    const text = isTime(value) ? timeText(Number(value.seconds) * 1_000 + value.nanos / 1e6) : plain(value);
    return text === "" ? [] : [`${path.slice(path.lastIndexOf(".") + 1)}: ${text}`];
  });
  return oneLine(parts.join(", "), summaryMax);
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

const isTime = (value: unknown): value is { seconds: bigint; nanos: number } =>
  typeof value === "object" &&
  value !== null &&
  "seconds" in value &&
  "nanos" in value &&
  typeof value.nanos === "number";

/** That shows what it is, also on a terminal. */
export const oneLine = (text: string, most = summaryMax) =>
  cut(text.replace(/[\p{Cc}\p{Surrogate}\u2028\u2029]+/gu, " ").trim(), most);
