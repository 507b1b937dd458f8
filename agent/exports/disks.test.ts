import { expect, test } from "vitest";
import { type BlockDevice, planDisks } from "./disks.js";

const wanted = (...disks: string[]) => ({ disks, label: "stoker-1", arrayDevice: "/dev/md/stoker-1" });
const disk = (path: string, more: Partial<BlockDevice> = {}): BlockDevice => ({
  path,
  ...{ type: "disk", readOnly: false, sizeBytes: 2 ** 30, signatures: [], mountPoints: [], children: [] },
  ...more,
});
const signed = (type: string, label = "") => ({ signatures: [{ type, label }] });

test("one blank disk gets a file system, several one array", () => {
  expect(planDisks(wanted("/dev/sdb"), [disk("/dev/sdb")])).toEqual({ kind: "make", device: "/dev/sdb", array: [] });
  expect(planDisks(wanted("/dev/sdb", "/dev/sdc"), [disk("/dev/sdb"), disk("/dev/sdc")])).toEqual({
    kind: "make",
    device: "/dev/md/stoker-1",
    array: ["/dev/sdb", "/dev/sdc"],
  });
});

test.each<[string, Partial<BlockDevice>]>([
  ["is a part, not a disk", { type: "part" }],
  ["can't be written to", { readOnly: true }],
  ["is mounted at /home", { mountPoints: ["/home"] }],
  ["is in use by /dev/sdb1", { children: [disk("/dev/sdb1")] }],
  ["holds gpt", signed("gpt")],
  ["holds xfs", signed("xfs")],
  ["holds LVM2_member", signed("LVM2_member")],
  ["holds ext4", signed("ext4", "photos")],
])("a disk that %s is never touched, nor the others with it", (why, more) => {
  const plan = planDisks(wanted("/dev/sda", "/dev/sdb"), [disk("/dev/sda"), disk("/dev/sdb", more)]);
  expect(plan).toMatchObject({ kind: "refuse", why: expect.stringContaining(`/dev/sdb ${why}`) });
  const alone = planDisks(wanted("/dev/sdb"), [disk("/dev/sdb", more)]);
  expect(alone).toMatchObject({ kind: "refuse" });
});

test("a disk that is not there is refused", () => {
  expect(planDisks(wanted("/dev/sdx"), [])).toMatchObject({ kind: "refuse" });
});

test("what was made for this file server is taken up with all that it holds", () => {
  const own = signed("ext4", "stoker-1");
  expect(planDisks(wanted("/dev/sdb"), [disk("/dev/sdb", own)])).toEqual({ kind: "keep", device: "/dev/sdb" });
  const array = disk("/dev/md127", { ...own, type: "raid0" });
  const member = { ...signed("linux_raid_member", "nas:stoker-1"), children: [array] };
  const joined = [disk("/dev/sdb", member), disk("/dev/sdc", member)];
  expect(planDisks(wanted("/dev/sdb", "/dev/sdc"), joined)).toEqual({ kind: "keep", device: "/dev/md127" });
  const apart = joined.map((one) => ({ ...one, children: [] }));
  expect(planDisks(wanted("/dev/sdb", "/dev/sdc"), apart)).toMatchObject({ kind: "assemble" });
});

test("another file server's array is not", () => {
  const member = signed("linux_raid_member", "nas:stoker-2");
  expect(planDisks(wanted("/dev/sdb", "/dev/sdc"), [disk("/dev/sdb", member), disk("/dev/sdc", member)])).toMatchObject(
    { kind: "refuse", why: expect.stringContaining("linux_raid_member") },
  );
});
