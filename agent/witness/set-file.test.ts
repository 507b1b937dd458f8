import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type KeyedSet, SetFile } from "./set-file.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "stoker-set-file-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const members = ["a", "b"].map((name) => ({ name, address: "127.0.0.1", port: 7415 }));
const keyed: KeyedSet = {
  set: { version: 3, ttlMs: 12_000, members },
  answerKey: Buffer.alloc(32, 1),
  keys: new Map(members.map(({ name }, index) => [name, Buffer.alloc(32, index)])),
};

it("is read as it was written", () => {
  const file = new SetFile(join(dir, "set"));
  expect(file.read(() => expect.unreachable())).toBeUndefined();
  file.write(keyed);
  expect(file.read(() => expect.unreachable())).toEqual(keyed);
});

it("is never believed when it ends at, or was changed in, any of its bytes", () => {
  const path = join(dir, "set");
  const file = new SetFile(path);
  file.write(keyed);
  const whole = readFileSync(path);
  const told: string[] = [];
  const damaged = (bytes: Buffer) => {
    writeFileSync(path, bytes);
    expect(file.read((why) => told.push(why))).toBeUndefined();
  };
  for (let at = 0; at < whole.length; at++) {
    damaged(whole.subarray(0, at));
    for (const bit of [1, 0x10, 0x80]) damaged(Buffer.from(whole).fill((whole[at] ?? 0) ^ bit, at, at + 1));
  }
  damaged(Buffer.concat([whole, Buffer.from("\n")]));
  expect(told).toHaveLength(whole.length * 4 + 1);
});
