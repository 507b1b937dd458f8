import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test as plain } from "vitest";
import { labelOf, mountDisks, unmountDisks } from "./disk-folder.js";

const path = "/usr/sbin:/usr/bin:/sbin:/bin";
const run = (program: string, ...words: string[]) => execFileSync(program, words, { env: { PATH: path } }).toString();

/** A loop device is a whole disk: needs root, and a kernel that has them. */
const possible = (() => {
  const file = join(mkdtempSync(join(tmpdir(), "can-loop-")), "disk");
  try {
    writeFileSync(file, "");
    truncateSync(file, 1024 * 1024);
    run("losetup", "-d", run("losetup", "--show", "-f", file).trim());
    return true;
  } catch {
    return false;
  } finally {
    rmSync(join(file, ".."), { recursive: true });
  }
})();
const test = plain.skipIf(!possible);

function disk(dir: string, name: string): string {
  const file = join(dir, name);
  writeFileSync(file, "");
  truncateSync(file, 64 * 1024 * 1024);
  const device = run("losetup", "--show", "-f", file).trim();
  onTestFinished(() => {
    run("losetup", "-d", device);
  });
  return device;
}

test("a blank disk gets a file system, which is found again with all that it holds, and no other takes it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "disks-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const device = disk(dir, "one");
  const [folder, other] = [join(dir, "mounted"), join(dir, "other")];
  await mountDisks([device], "workspaces/w/fileServers/f", folder, path);
  writeFileSync(join(folder, "kept"), "for ever");
  expect(run("blkid", "-p", "-o", "value", "-s", "LABEL", device).trim()).toBe(labelOf("workspaces/w/fileServers/f"));
  // Again while it is there: nothing is done.
  await mountDisks([device], "workspaces/w/fileServers/f", folder, path);
  await unmountDisks(folder, path);
  await expect(mountDisks([device], "workspaces/w/fileServers/g", other, path)).rejects.toThrow(
    `${device} holds ext4: only whole blank disks are taken`,
  );
  await mountDisks([device], "workspaces/w/fileServers/f", other, path);
  expect(readFileSync(join(other, "kept"), "utf8")).toBe("for ever");
  await unmountDisks(other, path);
}, 60_000);

test("a disk with anything on it is refused, and stays as it is, and so does the blank one beside it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "disks-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const [blank, used] = [disk(dir, "blank"), disk(dir, "used")];
  run("mkswap", used);
  const before = [readFileSync(join(dir, "blank")), readFileSync(join(dir, "used"))];
  await expect(mountDisks([blank, used], "f", join(dir, "mounted"), path)).rejects.toThrow(`${used} holds swap`);
  expect(readFileSync(join(dir, "blank")).equals(before[0] ?? Buffer.alloc(0))).toBe(true);
  expect(readFileSync(join(dir, "used")).equals(before[1] ?? Buffer.alloc(0))).toBe(true);
}, 60_000);
