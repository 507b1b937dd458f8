import { expect, test, vi } from "vitest";
import { giveBackStart } from "./start-memory.js";

const held: object[] = [];

/** Apart, so that no variable of the test holds it. */
function refer(isHeld: boolean): WeakRef<object> {
  const made = { bytes: new Array(1_000).fill(isHeld) };
  if (isHeld) held.push(made);
  return new WeakRef(made);
}

test("what nobody holds any more is gone soon after the start, and nothing else is", async () => {
  const [left, kept] = [refer(false), refer(true)];
  // A reference that was just made, or looked at, keeps its object until the turn is over.
  await new Promise((resolve) => setTimeout(resolve, 1));
  giveBackStart(10);
  await vi.waitFor(() => expect(left.deref() === undefined).toBe(true), { timeout: 10_000, interval: 200 });
  expect(kept.deref()).toBe(held[0]);
  expect("gc" in globalThis).toBe(false);
});
