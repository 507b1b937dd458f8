import { usage } from "../failure.js";
import type { Parameters } from "./combinations.js";

const place = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** A copy of a body with `{{name}}` in any text replaced. Keys stay as they are. */
export function substituted(body: unknown, parameters: Parameters): unknown {
  if (typeof body === "string") return body.replace(place, (_, name: string) => parameterNamed(name, parameters));
  if (Array.isArray(body)) return body.map((item) => substituted(item, parameters));
  if (typeof body !== "object" || body === null) return body;
  return Object.fromEntries(Object.entries(body).map(([key, item]) => [key, substituted(item, parameters)]));
}

function parameterNamed(name: string, parameters: Parameters): string {
  const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  if (value !== undefined) return value;
  throw usage(`{{${name}}}: the sweep has no such parameter; it has ${Object.keys(parameters).join(", ")}`);
}
