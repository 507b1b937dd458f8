import { expect, it } from "vitest";
import { readFence, slot, slotAt, wholeFence } from "./fence-file.js";

const head = { policy: "freeze", bootId: "0f1e2d3c-0000-4000-8000-000000000001", group: "/sys/fs/cgroup/a/x.1" };

/** With its first deadline, and the one of a renewal. */
const deadlines = [1_000, 9_000] as const;

function fence(): Buffer {
  const bytes = wholeFence(head, deadlines[0]);
  slot(deadlines[1], 2).copy(bytes, slotAt(2));
  return bytes;
}

it("is read as it was written", () => {
  expect(readFence(fence())).toMatchObject({ ...head, until: 9_000, sequence: 2, frozenSince: undefined });
});

it("is no fence when it ends too early", () => {
  const bytes = fence();
  for (let at = 0; at < bytes.length; at++) expect(readFence(bytes.subarray(0, at))).toBeUndefined();
});

it("never says anything that was not written, whichever byte is changed", () => {
  const bytes = fence();
  let earlier = 0;
  // Behind the slots is the watchdog's mark.
  for (let at = 0; at < slotAt(0) + 2 * 64; at++) {
    for (const bit of [1, 0x10, 0x80]) {
      const found = readFence(Buffer.from(bytes).fill((bytes[at] ?? 0) ^ bit, at, at + 1));
      if (!found) continue;
      expect(found).toMatchObject(head);
      expect([...deadlines, undefined]).toContain(found.until);
      if (found.until === deadlines[0]) earlier += 1;
    }
  }
  expect(earlier).toBeGreaterThan(0);
});

it("a renewal that is torn leaves the deadline before it", () => {
  const renewal = slot(20_000, 3);
  for (let written = 0; written <= renewal.length; written++) {
    const bytes = fence();
    renewal.copy(bytes, slotAt(3), 0, written);
    expect([9_000, 20_000]).toContain(readFence(bytes)?.until);
  }
});
