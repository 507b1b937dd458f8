/** What users' data may be on, on the machine's own disks: whatever hangs on a network is asked in other ways. */
const localTypes = new Set(["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "overlay"]);
const mountsMax = 16;

/** Pure. Of /proc/self/mounts: one mount point for each file system, the shortest. */
export function localMountPoints(mounts: string): string[] {
  const byDevice = new Map<string, string>();
  for (const line of mounts.split("\n")) {
    const [device = "", point = "", type = ""] = line.split(" ");
    if (!localTypes.has(type) || (type === "overlay" && point !== "/")) continue;
    const path = plainPath(point);
    const key = type === "zfs" ? (device.split("/")[0] ?? device) : device;
    const known = byDevice.get(key);
    if (known === undefined || path.length < known.length) byDevice.set(key, path);
  }
  return [...byDevice.values()].sort().slice(0, mountsMax);
}

/** The kernel writes blanks and the like in octal. */
export const plainPath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
