import { isCollection, parseDocument } from "yaml";
import { usage } from "../failure.js";
import { withoutComments } from "./comments.js";

/** JSON (a byte order mark, comments and trailing commas are forgiven) or YAML, as a plain value. */
export function parseBody(content: string, where: string): unknown {
  const text = content.replace(/^\uFEFF/, "");
  if (text.trim() === "") throw usage(`${where} is empty; it must hold a body as JSON or YAML`);
  const json = asJson(text);
  const value = json instanceof SyntaxError ? asYaml(text, where, json) : json.parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw usage(`${where}: expected an object with a body's properties, found ${found(value)}`);
  }
  return value;
}

function asJson(text: string): { parsed: unknown } | SyntaxError {
  try {
    return { parsed: JSON.parse(withoutComments(text)) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}

function asYaml(text: string, where: string, notJson: SyntaxError): unknown {
  const document = parseDocument(text);
  const [mistake] = document.errors;
  // What looks like JSON is meant as JSON, and YAML's view of it would puzzle its author.
  const meantAsJson = /^\s*(\{|\[|\/[/*])/.test(text);
  if (mistake || (meantAsJson && !isCollection(document.contents))) {
    const position = meantAsJson ? /at position (\d+)/.exec(notJson.message)?.[1] : undefined;
    const at = position === undefined ? mistake?.linePos?.[0] : placeOf(text, Number(position));
    const reason = meantAsJson ? notJson.message.replace(/( in JSON)? at position \d+.*/s, "") : mistake?.message;
    throw usage(`${where}:${at?.line ?? 1}:${at?.col ?? 1} is neither JSON nor YAML: ${oneLine(reason ?? "")}`);
  }
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw usage(`${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function placeOf(text: string, position: number): { line: number; col: number } {
  const before = text.slice(0, position).split("\n");
  return { line: before.length, col: (before.at(-1)?.length ?? 0) + 1 };
}

const oneLine = (reason: string) =>
  reason
    .replace(/ at line \d+, column \d+:[\s\S]*$/, "")
    .replace(/\s+/g, " ")
    .trim();

/** A value as an error names it. */
export function found(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
