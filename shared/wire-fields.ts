import { type DescMessage, ScalarType } from "@bufbuild/protobuf";

/**
 * How many fields an encoded message has, those of its nested messages included; counting ends a little over `most`. A message is decoded at
 * some million fields a second, and a field can be of two bytes: what is far more than anybody means must not be decoded at all.
 */
export function countFields(schema: DescMessage, bytes: Uint8Array, most: number): number {
  const count = { fields: 0, most };
  walk(schema, bytes, 0, bytes.length, count);
  return count.fields;
}

interface Count {
  fields: number;
  readonly most: number;
}

function walk(schema: DescMessage, bytes: Uint8Array, start: number, end: number, count: Count): void {
  const inner = nestedOf(schema);
  let at = start;
  const varint = () => {
    let value = 0;
    for (let shift = 1; at < end; shift *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < end && count.fields <= count.most) {
    const key = varint();
    count.fields += 1;
    switch (key % 8) {
      case 0:
        varint();
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint();
        const nested = inner.get(Math.floor(key / 8));
        // What reaches over the end is the decoder's to refuse.
        const last = Math.min(end, at + length);
        if (nested === "packed") count.fields += length;
        else if (nested) walk(nested, bytes, at, last, count);
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        // Groups: their fields follow as if they were ours.
        break;
    }
  }
}

const known = new WeakMap<DescMessage, Map<number, DescMessage | "packed">>();

/** By number: what a field of bytes holds, when that is more fields. */
function nestedOf(schema: DescMessage): Map<number, DescMessage | "packed"> {
  const before = known.get(schema);
  if (before) return before;
  const found = new Map<number, DescMessage | "packed">();
  for (const field of schema.fields) {
    const plain = field.scalar !== undefined && field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES;
    if (field.message) found.set(field.number, field.message);
    else if (field.fieldKind === "list" && (plain || field.enum)) found.set(field.number, "packed");
  }
  known.set(schema, found);
  return found;
}
