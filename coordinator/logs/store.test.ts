import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LogAddress } from "./address.js";
import { readLog } from "./read.js";
import { LogStore } from "./store.js";

const job = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
const at = (rank = 0, attempt = 1): LogAddress => ({ jobUuid: job, attempt, rank, stream: "stdout" });
const bytes = (text: string) => Buffer.from(text);

let root: string;
let store: LogStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stoker-logs-"));
  store = new LogStore(root);
});
afterEach(() => {
  store.close();
  rmSync(root, { recursive: true, force: true });
});

async function text(address: LogAddress, offset = 0): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const { data } of readLog(store, address, offset)) parts.push(data);
  return Buffer.concat(parts).toString();
}

describe("LogStore", () => {
  it("keeps the contiguous beginning, whatever order and repetition bytes come in", async () => {
    expect(store.append(at(), 6, bytes("world"))).toBe("gap");
    expect(existsSync(join(root, job))).toBe(false);
    expect(store.append(at(), 0, bytes("hello "))).toBe("grown");
    expect(store.append(at(), 0, bytes("hello "))).toBe("duplicate");
    expect(store.append(at(), 8, bytes("rld"))).toBe("gap");
    expect(store.append(at(), 3, bytes("lo world"))).toBe("grown");
    expect(await text(at())).toBe("hello world");
    expect(await text(at(), 6)).toBe("world");
    expect(await text(at(), 99)).toBe("");
  });

  it("calls bytes safe only after a sync, also those that an earlier process wrote", async () => {
    store.append(at(), 0, bytes("abc"));
    expect(store.safeLength(at())).toBe(0);
    await store.sync();
    expect(store.safeLength(at())).toBe(3);
    store.append(at(), 3, bytes("def"));
    expect(store.safeLength(at())).toBe(3);
    store.close();

    store = new LogStore(root);
    expect(store.length(at())).toBe(6);
    expect(store.append(at(), 0, bytes("abc"))).toBe("duplicate");
    expect(store.safeLength(at())).toBe(0);
    await store.sync();
    expect(store.safeLength(at())).toBe(6);
  });

  it("makes nothing for a stream without output", () => {
    expect(store.append(at(), 0, bytes(""))).toBe("duplicate");
    expect(readdirSync(root)).toEqual([]);
  });

  it("holds a bounded number of open files, and still appends to each", async () => {
    for (let rank = 0; rank < 400; rank++) store.append(at(rank), 0, bytes(`${rank}\n`));
    await store.sync();
    await store.sync();
    const open = readdirSync("/proc/self/fd").length;
    expect(open).toBeLessThan(350);
    store.append(at(0), 2, bytes("more\n"));
    await store.sync();
    expect(store.safeLength(at(0))).toBe(7);
    expect(readFileSync(join(root, job, "1", "0.stdout"), "utf8")).toBe("0\nmore\n");
  });

  it("tells listeners of the job at once, and no longer than they want", () => {
    const heard: Array<[number, number]> = [];
    const stop = store.listen(job, (address, length) => heard.push([address.rank, length]));
    store.append(at(3), 0, bytes("abc"));
    stop();
    store.append(at(3), 3, bytes("d"));
    expect(heard).toEqual([[3, 3]]);
  });

  it("writes much at its sync, in order with what comes meanwhile", async () => {
    const pieces = Array.from({ length: 40 }, (_, i) => Buffer.alloc(i % 3 === 0 ? 10 : 70_000, String(i % 10)));
    let offset = 0;
    const syncs: Array<Promise<void>> = [];
    for (const [i, piece] of pieces.entries()) {
      expect(store.append(at(), offset, piece)).toBe("grown");
      offset += piece.length;
      expect(store.append(at(), offset + 1, piece)).toBe("gap");
      if (i % 7 === 6) {
        await Promise.all(syncs.splice(0));
        syncs.push(store.sync());
      }
    }
    await Promise.all(syncs);
    await store.sync();
    expect(store.safeLength(at())).toBe(offset);
    expect(Buffer.from(await text(at())).equals(Buffer.concat(pieces))).toBe(true);
  });

  it("deletes a job's logs while they are being written and synced", async () => {
    store.append(at(), 0, bytes("abc"));
    const syncing = store.sync();
    await store.deleteJob(job);
    await syncing;
    expect(existsSync(join(root, job))).toBe(false);
    expect(store.length(at())).toBe(0);
  });
});

it("removes what an earlier process left of jobs that are gone", async () => {
  const root = mkdtempSync(join(tmpdir(), "stoker-sweep-"));
  for (const name of ["kept", "gone"]) mkdirSync(join(root, name, "1"), { recursive: true });
  const store = new LogStore(root);
  await store.sweep((uuid) => uuid === "kept");
  expect(readdirSync(root)).toEqual(["kept"]);
  store.close();
  rmSync(root, { recursive: true });
});
