import { type DescField, type DescMessage, isMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type Timestamp, TimestampSchema, timestampDate } from "@bufbuild/protobuf/wkt";
import { wordOf } from "./words.js";

/**
 * Any resource as the plain object that `-o json` prints, in the shape that `az batchai` printed: a resource's spec lies flat beside
 * its state, enumerations are Batch AI's words, times are ISO 8601. In a spec, what was not given is left out; in the rest, numbers and
 * lists are always there.
 */
export function plain(schema: DescMessage, message: Message): Record<string, unknown> {
  return plainMessage(reflect(schema, message), false);
}

function plainMessage(message: ReflectMessage, sparse: boolean): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const field of message.desc.fields) {
    if (field.localName === "spec" && field.fieldKind === "message") {
      if (message.isSet(field)) Object.assign(result, plainMessage(message.get(field), true));
      continue;
    }
    const value = plainField(message, field, sparse);
    if (value !== undefined) result[field.jsonName] = value;
  }
  return result;
}

function plainField(message: ReflectMessage, field: DescField, sparse: boolean): unknown {
  if (!message.isSet(field)) return sparse ? undefined : emptyOf(field);
  switch (field.fieldKind) {
    case "message":
      return plainValue(message.get(field), sparse);
    case "enum":
      return wordOf(field.enum, message.get(field));
    case "scalar":
      return scalar(message.get(field));
    case "list":
      return [...message.get(field)].map((item) =>
        field.listKind === "enum" ? wordOf(field.enum, Number(item)) : plainValue(item, sparse),
      );
    case "map":
      return Object.fromEntries([...message.get(field)].map(([key, item]) => [String(key), plainValue(item, sparse)]));
  }
}

/** What an unset field is worth showing as. A field that knows whether it was set is left out. */
function emptyOf(field: DescField): unknown {
  if (field.fieldKind === "list") return [];
  if (field.fieldKind !== "scalar" || field.proto.proto3Optional || field.oneof) return undefined;
  if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) return undefined;
  return field.scalar === ScalarType.BOOL ? false : 0;
}

function plainValue(value: unknown, sparse: boolean): unknown {
  if (!isReflected(value)) return scalar(value);
  if (isMessage(value.message, TimestampSchema)) return isoTime(value.message);
  return plainMessage(value, sparse);
}

const isReflected = (value: unknown): value is ReflectMessage =>
  typeof value === "object" && value !== null && "message" in value && "desc" in value;

/** protobuf's JSON has 64-bit numbers as text; ours fit a double, and programs want to count with them. */
function scalar(value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
}

/** Without a fraction when there is none. */
export const isoTime = (time: Timestamp) => timestampDate(time).toISOString().replace(".000Z", "Z");
