import { expect, test } from "vitest";
import { rangeOf } from "./range.js";

const part = (start: number, end: number) => ({ kind: "part", start, end });
const whole = { kind: "whole" };
const impossible = { kind: "impossible" };

test.each([
  [undefined, whole],
  ["bytes=0-0", part(0, 1)],
  ["bytes=2-5", part(2, 6)],
  ["bytes=7-", part(7, 10)],
  ["bytes=7-99999", part(7, 10)],
  ["bytes=-3", part(7, 10)],
  ["bytes=-99", part(0, 10)],
  [" Bytes = 1 - 2 ", part(1, 3)],
  ["bytes=10-", impossible],
  ["bytes=10-12", impossible],
  ["bytes=-0", impossible],
  ["bytes=0-1,3-4", impossible],
  // No ranges at all: RFC 9110 has them ignored.
  ["bytes=5-2", whole],
  ["bytes=-", whole],
  ["bytes=x-y", whole],
  ["bytes=0x1-2", whole],
  ["lines=1-2", whole],
])("of ten bytes, %j", (header, expected) => {
  expect(rangeOf(header, 10)).toMatchObject(expected);
});

test("an empty file has no part", () => {
  expect(rangeOf("bytes=0-", 0)).toMatchObject(impossible);
  expect(rangeOf(undefined, 0)).toEqual(whole);
});
