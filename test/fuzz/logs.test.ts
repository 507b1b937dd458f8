import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { logPath } from "../../coordinator/logs/address.js";
import { offsetOf } from "../../coordinator/logs/offset.js";
import { LogStore } from "../../coordinator/logs/store.js";
import { parseLogSubject } from "../../shared/subjects.js";
import { text } from "./arbitraries/text.js";
import { checkAsync } from "./runs.js";

/** What a node may publish as log bytes: any header, any piece of its stream or none of it, in any order, twice. */

const stream = Buffer.from(Array.from({ length: 60_000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff));
const subject = "stoker.logs.n.6f9619ff-8b86-4011-b42d-00c04fc964ff.1.0.stdout";
const address = parseLogSubject(subject);

/** A piece of the stream with its place, so that what is kept can be foretold. */
const piece = fc
  .tuple(fc.integer({ min: 0, max: 3_000 }), fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(1_024, 20_000)))
  .map(([offset, length]) => ({
    header: String(offset),
    data: new Uint8Array(stream.subarray(offset, offset + length)),
  }));
const wild = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(
        "-1",
        "+1",
        "0x10",
        "1e3",
        " 5",
        "5 ",
        "1.5",
        "٣",
        "",
        "999999999999999",
        "9999999999999999",
        "-0",
        "0\n",
        "1,2",
        "NaN",
      ),
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
      text(),
    ),
    fc.uint8Array({ maxLength: 50 }),
  )
  .map(([header, data]) => ({ header, data }))
  // Such a place can be within the stream: then the bytes would have to be its.
  .filter(({ header, data }) => !/^\d+$/.test(header) || Number(header) > 100_000 || data.length === 0);

test("the file is always the beginning of the stream, as far as it came without a hole", async () => {
  if (!address) throw new Error("the subject is none");
  await checkAsync(
    fc.asyncProperty(fc.array(fc.oneof({ weight: 3, arbitrary: piece }, wild), { maxLength: 25 }), async (messages) => {
      const root = mkdtempSync(join(tmpdir(), "fuzz-logs-"));
      const store = new LogStore(root);
      try {
        let length = 0;
        for (const { header, data } of messages) {
          const offset = offsetOf(header);
          if (offset === undefined) {
            expect(header).not.toMatch(/^\d{1,15}$/);
            continue;
          }
          const appended = store.append(address, offset, data);
          expect(appended).toBe(offset > length ? "gap" : offset + data.length <= length ? "duplicate" : "grown");
          if (appended === "grown") length = offset + data.length;
        }
        await store.sync();
        expect(store.safeLength(address)).toBe(length);
        if (length === 0) expect(readdirSync(root)).toEqual([]);
        else expect(readFileSync(logPath(root, address)).equals(stream.subarray(0, length))).toBe(true);
      } finally {
        store.close();
        rmSync(root, { recursive: true });
      }
    }),
    60,
  );
});
