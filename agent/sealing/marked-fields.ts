import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";

/** Names of fields, and numbers in lists, that lead to a value in a message's JSON. */
type Path = ReadonlyArray<string | number>;

export type Taken = ReadonlyArray<readonly [Path, JsonValue]>;

const isObject = (json: JsonValue | undefined): json is JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json);

/** Takes the values of all fields that proto marks with `debug_redact` out of a message's JSON. */
export function takeMarked(schema: DescMessage, json: JsonObject, at: Path = []): Taken {
  return schema.fields.flatMap((field) => {
    const value = json[field.jsonName];
    if (value === undefined) return [];
    const path = [...at, field.jsonName];
    if (!isMarked(field)) return field.message ? within(field.message, value, path) : [];
    delete json[field.jsonName];
    return [[path, value] as const];
  });
}

/** Puts back what was taken out of this JSON. */
export function putBack(json: JsonObject, taken: Taken): void {
  for (const [path, value] of taken) {
    const name = path.at(-1);
    const parent = path.slice(0, -1).reduce<JsonValue | undefined>(memberOf, json);
    if (!isObject(parent) || typeof name !== "string") throw new Error(`nothing is at ${path.join(".")}`);
    parent[name] = value;
  }
}

const isMarked = ({ proto }: DescField) => proto.options?.debugRedact === true;

/** Of one message, of a list of them, or of a map's values. */
function within(schema: DescMessage, json: JsonValue, path: Path): Taken {
  if (Array.isArray(json)) return json.flatMap((each, index) => within(schema, each, [...path, index]));
  return isObject(json) ? takeMarked(schema, json, path) : [];
}

function memberOf(json: JsonValue | undefined, name: string | number): JsonValue | undefined {
  if (typeof name === "number") return Array.isArray(json) ? json[name] : undefined;
  return isObject(json) ? json[name] : undefined;
}
