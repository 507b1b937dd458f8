import fc from "fast-check";
import { expect, test } from "vitest";
import { SortedMap } from "./sorted-map.js";

const key = fc.oneof(
  fc.integer({ min: 0, max: 50 }),
  fc.integer({ min: 0, max: 2 }).map((priority) => priority * 2 ** 50 + 7),
);

test("it holds what a plain map would, in order, and older copies don't change", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ key, add: fc.boolean() })), (edits) => {
      const plain = new Map<number, string>();
      let map = SortedMap.empty<string>();
      for (const [at, { key, add }] of edits.entries()) {
        const before = map;
        const was = [...before.entries()];
        map = add ? map.with(key, `v${at}`) : map.without(key);
        if (add) plain.set(key, `v${at}`);
        else plain.delete(key);
        expect([...before.entries()]).toEqual(was);
      }
      const sorted = [...plain].sort(([a], [b]) => a - b);
      expect([...map.entries()]).toEqual(sorted);
      expect(map.size).toBe(plain.size);
      for (const [at, [key, value]] of sorted.entries()) {
        expect(map.get(key)).toBe(value);
        expect(map.rank(key)).toBe(at);
        expect([...map.values(key)]).toEqual(sorted.slice(at).map(([, later]) => later));
      }
    }),
  );
});
