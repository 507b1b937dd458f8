import { expect, test } from "vitest";
import { parseMountinfo } from "./mountinfo.js";

test("paths, sources and types are read, blanks and optional fields included", () => {
  const text = [
    "22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda1 rw",
    "90 22 0:50 / /data/mounts/nfs rw,relatime shared:50 master:3 - nfs4 10.0.0.4:/export rw,vers=4.2",
    String.raw`91 22 0:51 /sub /data/a\040b\134c rw - fuse.sshfs me@host:/x\040y rw`,
    "",
  ].join("\n");
  expect(parseMountinfo(text)).toEqual([
    { path: "/", source: "/dev/vda1", type: "ext4" },
    { path: "/data/mounts/nfs", source: "10.0.0.4:/export", type: "nfs4" },
    { path: "/data/a b\\c", source: "me@host:/x y", type: "fuse.sshfs" },
  ]);
});

test("names beyond ASCII stay as they are", () => {
  expect(parseMountinfo(String.raw`1 1 0:1 / /données\040x rw - tmpfs t rw`)[0]?.path).toBe("/données x");
});
