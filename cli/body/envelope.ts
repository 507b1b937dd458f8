import { isEnvelopeKey } from "./old-keys.js";
import { isObject, mistake } from "./shape.js";

export interface Properties {
  value: Record<string, unknown>;
  /** What paths begin with: `properties`, or nothing when the body is the properties themselves. */
  root: string;
  /** Keys beside `properties` that mean nothing. */
  unknown: string[];
}

/** A body's properties, whether or not they stand in a `properties` block. */
export function propertiesOf(body: unknown): Properties {
  if (!isObject(body)) throw mistake("", "an object", body);
  if (!("properties" in body)) return { value: body, root: "", unknown: [] };
  const { properties, ...beside } = body;
  if (!isObject(properties)) throw mistake("properties", "an object", properties);
  return { value: properties, root: "properties", unknown: Object.keys(beside).filter((key) => !isEnvelopeKey(key)) };
}

export const join = (root: string, key: string) => (root === "" ? key : `${root}.${key}`);

/** The warning for keys that were left out. */
export const ignored = (unknown: readonly string[]): string[] =>
  unknown.length === 0 ? [] : [`ignored unknown keys: ${unknown.join(", ")}`];
