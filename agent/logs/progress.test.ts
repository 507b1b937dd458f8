import { expect, test } from "vitest";
import { isSilent, isStored, noteStored, rewind, room, shareOf, shrink, startOfStream } from "./progress.js";

test("little is sent before the coordinator has said where it stands, then a window at a time, which grows while all goes well", () => {
  const at = startOfStream(0);
  expect(room(at, shareOf(2))).toBe(128 * 1024);
  at.sent = 128 * 1024;
  expect(room(at, shareOf(2))).toBe(0);
  noteStored(at, 128 * 1024, 1);
  expect(room(at, shareOf(2))).toBe(1024 * 1024 + 128 * 1024);
  noteStored(at, 50 * 1024 * 1024, 2);
  expect(room(at, shareOf(2))).toBe(4 * 1024 * 1024);
  for (let i = 0; i < 20; i++) shrink(at);
  expect(room(at, shareOf(2))).toBe(128 * 1024);
});

test("a coordinator that has lost what it had gets it again", () => {
  const at = startOfStream(0);
  noteStored(at, 1000, 1);
  at.sent = 5000;
  noteStored(at, 300, 2);
  expect([at.stored, at.sent]).toEqual([300, 300]);
});

test("what an earlier agent had stored is not sent again", () => {
  const at = startOfStream(0);
  at.sent = 1000;
  noteStored(at, 5_000_000, 1);
  expect(at.sent).toBe(5_000_000);
});

test("silence about what was sent is noticed, later each time", () => {
  const at = startOfStream(0);
  expect(isSilent(at, 1e9)).toBe(false);
  at.sent = 10;
  expect(isSilent(at, 2_999)).toBe(false);
  expect(isSilent(at, 3_001)).toBe(true);
  rewind(at, 3_001);
  at.rewinds = 1;
  at.sent = 10;
  expect(isSilent(at, 8_000)).toBe(false);
  expect(isSilent(at, 9_100)).toBe(true);
});

test("an answer that repeats itself means a gap: all from there is sent again", () => {
  const at = startOfStream(0);
  at.sent = 100;
  noteStored(at, 40, 10);
  noteStored(at, 40, 20);
  expect(at.sent).toBe(100);
  noteStored(at, 40, 600);
  expect(at.sent).toBe(40);
});

test("a stream is stored when its end is known and reached", () => {
  const at = startOfStream(0);
  noteStored(at, 10, 0);
  expect(isStored(at)).toBe(false);
  at.final = 11;
  expect(isStored(at)).toBe(false);
  noteStored(at, 11, 0);
  expect(isStored(at)).toBe(true);
});

test("many streams share what may be under way", () => {
  expect(shareOf(1)).toBe(16 * 1024 * 1024);
  expect(shareOf(64) * 64).toBe(16 * 1024 * 1024);
  expect(shareOf(100_000)).toBe(64 * 1024);
});
