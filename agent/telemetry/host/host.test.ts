import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { host } from "./host.js";
import { localMountPoints } from "./mounts.js";
import { linkMbps, parseInterfaces, ratesOf } from "./network.js";
import { latenciesOf, parseMountstats } from "./nfs.js";
import { temperature } from "./temperature.js";

test("one mount point for each file system of the machine's own; what may hang is not among them", () => {
  const mounts = [
    "/dev/sda1 / ext4 rw 0 0",
    "/dev/sda1 /var/lib/stoker-agent/mounts/a ext4 rw 0 0",
    "/dev/nvme0n1 /my\\040data xfs rw 0 0",
    "filer:/x /nfs nfs4 rw 0 0",
    "overlay /var/lib/containers/merged overlay rw 0 0",
    "tank/a /tank/a zfs rw 0 0",
    "tank /tank zfs rw 0 0",
    "tmpfs /tmp tmpfs rw 0 0",
    "",
  ].join("\n");
  expect(localMountPoints(mounts)).toEqual(["/", "/my data", "/tank"]);
});

const dev = (received: number, errors: number, sent: number) =>
  [
    "Inter-|   Receive                                                |  Transmit",
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
    "    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0",
    `  eth0: ${received} 1 ${errors} 2 0 0 0 0 ${sent} 1 3 4 0 0 0 0`,
    "veth12: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0",
  ].join("\n");

test("bytes per second of real interfaces; one whose counters began anew says nothing", () => {
  const before = parseInterfaces(dev(1_000, 1, 500));
  expect(before).toEqual([{ name: "eth0", receivedBytes: 1_000, sentBytes: 500, errors: 10 }]);
  expect(ratesOf(before, parseInterfaces(dev(21_000, 1, 500)), 10_000)).toEqual([
    { name: "eth0", receivedBytesPerSecond: 2_000, sentBytesPerSecond: 0, errors: 10 },
  ]);
  expect(ratesOf(before, parseInterfaces(dev(5, 0, 5)), 10_000)).toEqual([]);
  expect(ratesOf([], before, 10_000)).toEqual([]);
  expect(parseInterfaces("nonsense\n x: 1 2\n y: a b c d e f g h i j k l m n o p\n")).toEqual([]);
});

test.each([
  ["100000\n", 100_000],
  ["200 Gb/sec (4X HDR)\n", 200_000],
  ["-1\n", undefined],
  ["", undefined],
])("a link of %j", (text, mbps) => {
  expect(linkMbps(text)).toBe(mbps);
});

const mountstats = (operations: number, roundTripMs: number) =>
  [
    "device /dev/sda1 mounted on / with fstype ext4",
    "device filer:/x mounted on /my\\040nfs with fstype nfs4 statvers=1.1",
    "\topts:\trw,vers=4.2",
    "\txprt:\ttcp 0 1 2 3",
    "\tper-op statistics",
    "\t        NULL: 1 1 0 44 24 0 0 0 0",
    `\t        READ: ${operations} ${operations + 2} 0 1 1 5 ${roundTripMs} ${2 * roundTripMs} 0`,
    "\t       WRITE: 0 0 0 0 0 0 0 0",
    "device proc mounted on /proc with fstype proc",
  ].join("\n");

test("how fast a file server answered since the last look", () => {
  const before = parseMountstats(mountstats(100, 500));
  expect(before).toMatchObject([{ mountPoint: "/my nfs", operations: 101 }]);
  expect(latenciesOf(before, parseMountstats(mountstats(150, 1_000)), 10_000)).toEqual([
    { mountPoint: "/my nfs", operationsPerSecond: 5, roundTripMs: 10, executionMs: 20, retransmissions: 2 },
  ]);
  const [idle] = latenciesOf(before, before, 10_000);
  expect(idle).not.toHaveProperty("roundTripMs");
  expect(parseMountstats("nonsense")).toEqual([]);
});

test("this machine: its own disks at once, its interfaces at the second look", async () => {
  const source = host();
  const first = await source.sample();
  expect(first.host?.disks?.length).toBeGreaterThan(0);
  for (const { sizeBytes = 0n, freeBytes = 0n } of first.host?.disks ?? []) expect(freeBytes <= sizeBytes).toBe(true);
  expect(first.host?.interfaces).toEqual([]);
  expect((await source.sample()).host?.nfsMounts).toBeDefined();
});

test("the warmest processor, whichever sensors a machine has", async () => {
  const root = mkdtempSync(join(tmpdir(), "stoker-sensors-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  expect(await temperature(root)).toBeUndefined();
  write("hwmon/hwmon0/name", "nvme\n");
  write("hwmon/hwmon0/temp1_input", "99000\n");
  expect(await temperature(root)).toBeUndefined();
  write("hwmon/hwmon1/name", "coretemp\n");
  write("hwmon/hwmon1/temp1_input", "51000\n");
  write("hwmon/hwmon1/temp2_input", "53500\n");
  write("hwmon/hwmon1/temp3_input", "nonsense\n");
  write("thermal/thermal_zone0/type", "x86_pkg_temp\n");
  write("thermal/thermal_zone0/temp", "52000\n");
  expect(await temperature(root)).toBe(53.5);
});
