import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { memoryFolders } from "../memory-folders.js";
import { bootKey } from "./boot-key.js";

const user = process.geteuid?.() ?? 0;

function folderIn(parent: string): string {
  const folder = mkdtempSync(join(parent, "stoker-key-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Every Linux machine has this one. */
const inMemory = () => folderIn("/dev/shm");
const nameIn = (folder: string) => join(folder, `stoker-ledger-key-${user}`);

it("makes a key once, and finds it again", () => {
  const folder = inMemory();
  const key = bootKey([folder]);
  expect(key).toHaveLength(32);
  expect(bootKey([folder])).toEqual(key);
  expect(readFileSync(nameIn(folder))).toEqual(key);
  expect(readdirSync(folder)).toEqual([`stoker-ledger-key-${user}`]);
  expect(bootKey([inMemory()])).not.toEqual(key);
});

it("goes on with the one that it has when a better folder comes", () => {
  const [better, own] = [inMemory(), inMemory()];
  const key = bootKey([own]);
  expect(bootKey([better, own])).toEqual(key);
  expect(readdirSync(better)).toEqual([]);
});

it("keeps it on no disk", () => {
  const folder = ["/var/tmp", tmpdir()].find((each) => memoryFolders([each]).length === 0) ?? "/";
  const onDisk = folderIn(folder);
  expect(bootKey([onDisk, join(onDisk, "absent")])).toBeUndefined();
  expect(readdirSync(onDisk)).toEqual([]);
  const second = inMemory();
  expect(bootKey([onDisk, second])).toEqual(readFileSync(nameIn(second)));
});

it.each([
  ["others can read", (path: string) => writeFileSync(path, Buffer.alloc(32, 1), { mode: 0o644 })],
  ["is too short", (path: string) => writeFileSync(path, Buffer.alloc(31, 1), { mode: 0o600 })],
  ["is a folder", (path: string) => mkdirSync(path)],
  [
    "leads elsewhere",
    (path: string) => {
      writeFileSync(`${path}.own`, Buffer.alloc(32, 1), { mode: 0o600 });
      symlinkSync(`${path}.own`, path);
    },
  ],
])("takes no key from what %s, and another folder instead", (_, plant) => {
  const folder = inMemory();
  plant(nameIn(folder));
  expect(bootKey([folder])).toBeUndefined();
  const second = inMemory();
  expect(bootKey([folder, second])).toEqual(readFileSync(nameIn(second)));
});

it.runIf(user === 0)("takes no key of another account's", () => {
  const folder = inMemory();
  writeFileSync(nameIn(folder), Buffer.alloc(32, 1), { mode: 0o600 });
  chmodSync(folder, 0o777);
  chownSync(nameIn(folder), 1, 1);
  expect(bootKey([folder])).toBeUndefined();
});
