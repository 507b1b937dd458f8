import fc from "fast-check";

/** A recorded message with bytes flipped, cut out, doubled, put in and cut off. */
export function mutated(recorded: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.tuple(recorded, fc.array(mutation, { minLength: 1, maxLength: 8 })).map(([bytes, mutations]) => {
    let now = bytes;
    for (const mutate of mutations) now = mutate(now);
    return now;
  });
}

type Mutation = (bytes: Uint8Array) => Uint8Array;

const place = fc.double({ min: 0, max: 1, noNaN: true });
const at = (bytes: Uint8Array, where: number) => Math.min(bytes.length, Math.floor(where * (bytes.length + 1)));
const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 0, max: 255 })).map(
    ([where, byte]): Mutation =>
      (bytes) => {
        const copy = new Uint8Array(bytes);
        if (copy.length > 0) copy[Math.min(copy.length - 1, at(bytes, where))] = byte;
        return copy;
      },
  ),
  fc.tuple(place, place).map(
    ([from, to]): Mutation =>
      (bytes) => {
        const [first, last] = [at(bytes, Math.min(from, to)), at(bytes, Math.max(from, to))];
        return joined(bytes.subarray(0, first), bytes.subarray(last));
      },
  ),
  fc.tuple(place, place, fc.integer({ min: 1, max: 50 })).map(
    ([from, to, times]): Mutation =>
      (bytes) => {
        const [first, last] = [at(bytes, Math.min(from, to)), at(bytes, Math.max(from, to))];
        const piece = bytes.subarray(first, Math.min(last, first + 100));
        return joined(bytes.subarray(0, first), ...Array.from({ length: times }, () => piece), bytes.subarray(last));
      },
  ),
  fc.tuple(place, fc.uint8Array({ maxLength: 12 })).map(
    ([where, more]): Mutation =>
      (bytes) =>
        joined(bytes.subarray(0, at(bytes, where)), more, bytes.subarray(at(bytes, where))),
  ),
  place.map(
    (where): Mutation =>
      (bytes) =>
        bytes.subarray(0, at(bytes, where)),
  ),
);

/** The same for what is a text. */
export const mutatedText = (recorded: readonly string[]): fc.Arbitrary<string> =>
  mutated(fc.constantFrom(...recorded).map((each) => new Uint8Array(Buffer.from(each)))).map((bytes) =>
    Buffer.from(bytes).toString(),
  );
