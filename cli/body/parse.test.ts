import { expect, test } from "vitest";
import { isoDuration } from "./duration.js";
import { parseBody } from "./parse.js";

test.each([
  ['{"a": 1}', { a: 1 }],
  ['\uFEFF{"a": 1}', { a: 1 }],
  ['// why\n{"a": "x // y", /* no */ "b": [1, 2,], }', { a: "x // y", b: [1, 2] }],
  ['{"a": "/* stays */", "b": "q\\"// stays"}', { a: "/* stays */", b: 'q"// stays' }],
  ["a: 1\nb:\n  - c # d\n", { a: 1, b: ["c"] }],
  ["properties:\n  maxWallClockTime: 12:00:00\n", { properties: { maxWallClockTime: "12:00:00" } }],
])("%j is a body", (text, value) => {
  expect(parseBody(text, "f")).toEqual(value);
});

test.each([
  ["", /^f is empty/],
  ['{"a": 1\n "b": 2}', /^f:2:\d+ is neither JSON nor YAML: /],
  ["a: [1", /^f:\d+:\d+ is neither JSON nor YAML: /],
  ["just words", /^f: expected an object with a body's properties, found "just words"/],
  ["[1]", /found a list/],
  ['// {\n{"a" 1}', /^f:2:6 is neither JSON nor YAML: /],
  ["a: 1\na: 2\n", /^f:2:1 .*unique/],
])("%j is refused in one line", (text, message) => {
  expect(() => parseBody(text, "f")).toThrow(message);
  expect(() => parseBody(text, "f")).not.toThrow(/\n/);
});

test.each([
  ["7.00:00:00", "P7D"],
  ["01:30:00", "PT1H30M"],
  ["1.02:00:05", "P1DT2H5S"],
  ["00:00:00", "PT0S"],
  ["00:00:01.5", "PT1S"],
  ["P7D", "P7D"],
  ["PT90M", "PT90M"],
])("the duration %s is %s", (text, iso) => {
  expect(isoDuration(text, "p")).toBe(iso);
});

test.each(["7", "P", "PT", "25:00:00", "1:60:00", "seven days", ""])("%j is no duration", (text) => {
  expect(() => isoDuration(text, "p")).toThrow(/^p: expected a duration/);
});
