import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import { text } from "./text.js";

/** Any message of a description, as wrong as the wire allows: every field may be there or not, and hold whatever its type can. */
export interface MessageOptions {
  /** Values for fields of this name, so that some messages come further than the first check. */
  likely?: Readonly<Record<string, fc.Arbitrary<unknown>>>;
  textMost?: number;
}

export function message<D extends DescMessage>(schema: D, options: MessageOptions = {}): fc.Arbitrary<MessageShape<D>> {
  return init(schema, options, 0).map((value) => create(schema, value as MessageInitShape<D>));
}

const deepest = 8;

function init(schema: DescMessage, options: MessageOptions, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of schema.fields) if (!field.oneof) fields[field.localName] = valueFor(field, options, depth);
  for (const oneof of schema.oneofs) {
    const cases = oneof.fields.map((field) =>
      valueFor(field, options, depth).map((value) => ({ case: field.localName, value })),
    );
    const [first, ...rest] = cases;
    if (first) fields[oneof.localName] = fc.oneof(first, ...rest);
  }
  return fc.record(fields, { requiredKeys: [] });
}

function valueFor(field: DescField, options: MessageOptions, depth: number): fc.Arbitrary<unknown> {
  const one = fc.oneof(
    ...[options.likely?.[field.localName], plainValue(field, options, depth)].flatMap((each) => each ?? []),
  );
  switch (field.fieldKind) {
    case "list":
      return fc.array(one, { maxLength: depth > 2 ? 2 : 4 });
    case "map":
      return fc
        .array(fc.tuple(text(options.textMost), one), { maxLength: 4 })
        .map((entries) => Object.fromEntries(entries));
    default:
      return one;
  }
}

function plainValue(field: DescField, options: MessageOptions, depth: number): fc.Arbitrary<unknown> {
  const nested = field.fieldKind === "message" ? field.message : field.fieldKind === "enum" ? undefined : field.message;
  if (nested) return depth >= deepest ? fc.constant({}) : init(nested, options, depth + 1);
  if (field.enum) return fc.oneof(fc.integer({ min: -2, max: 8 }), fc.integer());
  return scalar(field.scalar, options);
}

const int32 = fc.oneof(
  fc.integer({ min: -2, max: 5 }),
  fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 65_536, 10_001),
  fc.integer(),
);
const uint32 = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom(2 ** 32 - 1, 65_536), fc.nat());
const int64 = fc.oneof(
  fc.bigInt({ min: -2n, max: 5n }),
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.constantFrom(2n ** 64n - 1n, 2n ** 53n));

function scalar(type: ScalarType | undefined, { textMost }: MessageOptions): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.DOUBLE:
      return fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0));
    case ScalarType.FLOAT:
      return fc.oneof(fc.float(), fc.constantFrom(Number.NaN, Number.NEGATIVE_INFINITY));
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return int32;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return uint32;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return int64;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return uint64;
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 40 });
    default:
      return text(textMost);
  }
}
