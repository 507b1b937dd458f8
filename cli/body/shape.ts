import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { usage } from "../failure.js";
import { isOldKey } from "./old-keys.js";
import { found } from "./parse.js";

/** Text fields in which people write numbers. Elsewhere a number in place of text is a mistake. */
const numericText = new Set(["value", "memory", "version", "fileMode", "directoryMode", "shmSize"]);

export interface Conformed<D extends DescMessage> {
  message: MessageShape<D>;
  /** Paths of keys that nothing knows. */
  unknown: string[];
}

/** A parsed body as the message of its properties. Errors name the path of what is wrong, from `root` on. */
export function conform<D extends DescMessage>(schema: D, value: unknown, root: string): Conformed<D> {
  const unknown: string[] = [];
  const json = fitMessage(schema, value, root, unknown);
  return { message: fromJson(schema, json), unknown };
}

function fitMessage(desc: DescMessage, value: unknown, path: string, unknown: string[]): JsonObject {
  if (!isObject(value)) throw mistake(path, "an object", value);
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const field = desc.fields.find(({ jsonName }) => jsonName === key);
    const at = path === "" ? key : `${path}.${key}`;
    if (field && item !== null && item !== undefined) result[key] = fitField(field, item, at, unknown);
    else if (!field && !isOldKey(desc.typeName, key)) unknown.push(at);
  }
  return result;
}

function fitField(field: DescField, value: unknown, path: string, unknown: string[]): JsonValue {
  switch (field.fieldKind) {
    case "message":
      return fitMessage(field.message, value, path, unknown);
    case "list": {
      if (!Array.isArray(value)) throw mistake(path, "a list", value);
      return value.map((item, index) => {
        const at = `${path}[${index}]`;
        if (field.listKind === "message") return fitMessage(field.message, item, at, unknown);
        return fitText(item, at, false);
      });
    }
    case "scalar":
      if (field.scalar === ScalarType.INT32) return fitWhole(value, path);
      if (field.scalar === ScalarType.STRING) return fitText(value, path, numericText.has(field.jsonName));
      break;
    default:
      break;
  }
  throw new Error(`${path}: specs hold no ${field.fieldKind}`);
}

const int32Max = 2_147_483_647;

function fitWhole(value: unknown, path: string): number {
  const number = typeof value === "string" && /^\s*-?\d{1,15}\s*$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isInteger(number)) throw mistake(path, "a whole number", value);
  if (Math.abs(number) > int32Max) throw mistake(path, `a number up to ${int32Max}`, value);
  return number;
}

function fitText(value: unknown, path: string, numbersToo: boolean): string {
  if (numbersToo && (typeof value === "number" || typeof value === "boolean")) return String(value);
  if (typeof value !== "string") throw mistake(path, "text", value);
  // Would not survive the wire.
  if (/\p{Cs}/u.test(value)) throw mistake(path, "text that is Unicode", value);
  return value;
}

export const mistake = (path: string, expected: string, value: unknown) =>
  usage(`${path === "" ? "the body" : path}: expected ${expected}, found ${found(value)}`);

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
