import { parseDocument } from "yaml";
import { usage } from "../failure.js";
import { withoutComments } from "./comments.js";

/** JSON (a byte order mark, comments and trailing commas are forgiven) or YAML, as a plain value. */
export function parseBody(content: string, where: string): unknown {
  const text = content.replace(/^\uFEFF/, "");
  if (text.trim() === "") throw usage(`${where} is empty; it must hold a body as JSON or YAML`);
  const looksLikeJson = /^\s*(\{|\[|\/[/*])/.test(text);
  if (looksLikeJson) {
    const value = asJson(text);
    if (value !== undefined) return value.parsed;
  }
  const document = parseDocument(text);
  const [mistake] = document.errors;
  if (mistake) {
    const { line = 1, col = 1 } = mistake.linePos?.[0] ?? {};
    const reason = mistake.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "");
    throw usage(`${where}:${line}:${col} is neither JSON nor YAML: ${reason}`);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw usage(`${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw usage(`${where}: expected an object with a body's properties, found ${found(value)}`);
  }
  return value;
}

function asJson(text: string): { parsed: unknown } | undefined {
  try {
    return { parsed: JSON.parse(withoutComments(text)) as unknown };
  } catch {
    // The YAML reader, which takes JSON too, says where the mistake is.
    return undefined;
  }
}

/** A value as an error names it. */
export function found(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
