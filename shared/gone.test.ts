import { expect, test } from "vitest";
import { Gone } from "./gone.js";

test("a caller who leaves is noticed by who asked before, and by who asks only then", () => {
  const gone = new Gone();
  const { signal } = gone;
  let told = 0;
  signal.addEventListener("abort", () => {
    told += 1;
  });
  expect([signal.aborted, gone.signal]).toEqual([false, signal]);
  gone.abort();
  gone.abort();
  expect([signal.aborted, told, gone.signal.aborted]).toEqual([true, 1, true]);
  const left = new Gone();
  left.abort();
  expect(left.signal.aborted).toBe(true);
  expect(() => left.signal.throwIfAborted()).toThrow("the caller is gone");
});
