/** Which disks may be made into a file system, decided from what the machine says of them. Nothing that holds anything is ever touched. */

/** As lsblk and wipefs tell it. */
export interface BlockDevice {
  path: string;
  type: string;
  readOnly: boolean;
  sizeBytes: number;
  /** Of file systems, partition tables, arrays and swap, as they stand on the device itself. */
  signatures: ReadonlyArray<{ type: string; label: string }>;
  mountPoints: readonly string[];
  /** Partitions, arrays and the like that are made of it. */
  children: readonly BlockDevice[];
}

export type DiskPlan =
  /** A file system is made: on the one disk, or on an array of them. */
  | { kind: "make"; device: string; array: readonly string[] }
  /** It was made for this very file server earlier, with all that it holds. */
  | { kind: "keep"; device: string }
  /** The same, whose disks must be joined first. */
  | { kind: "assemble"; device: string; array: readonly string[] }
  | { kind: "refuse"; why: string };

export interface Wanted {
  disks: readonly string[];
  /** Of the file system. */
  label: string;
  /** Of the array. */
  arrayDevice: string;
}

export function planDisks({ disks, label, arrayDevice }: Wanted, found: readonly BlockDevice[]): DiskPlan {
  const devices: BlockDevice[] = [];
  for (const path of disks) {
    const device = found.find((one) => one.path === path);
    if (!device) return refuse(`there is no disk ${path} on this machine`);
    devices.push(device);
  }
  const ours = keptBy(devices, label, arrayDevice);
  if (ours) return ours;
  for (const device of devices) {
    const why = objection(device);
    if (why !== undefined) return refuse(`${device.path} ${why}: only whole blank disks are taken`);
  }
  const [only] = devices;
  if (!only) return refuse("no disk is named");
  return devices.length === 1
    ? { kind: "make", device: only.path, array: [] }
    : { kind: "make", device: arrayDevice, array: disks };
}

const refuse = (why: string): DiskPlan => ({ kind: "refuse", why });

function keptBy(devices: readonly BlockDevice[], label: string, arrayDevice: string): DiskPlan | undefined {
  const [only] = devices;
  if (devices.length === 1 && only) {
    return isOurs(only, label) ? { kind: "keep", device: only.path } : undefined;
  }
  const members = devices.flatMap((device) => device.signatures.find(({ type }) => type === raidMember) ?? []);
  if (members.length < devices.length) return undefined;
  const [array] = devices[0]?.children ?? [];
  const joined = array && devices.every(({ children }) => children[0]?.path === array.path && children.length === 1);
  if (array && joined && isOurs(array, label)) return { kind: "keep", device: array.path };
  // A member's label is `[host:]name` of its array.
  const named = members.every((member) => member.label.split(":").at(-1) === label);
  const free = devices.every(({ children }) => children.length === 0);
  return named && free ? { kind: "assemble", device: arrayDevice, array: devices.map(({ path }) => path) } : undefined;
}

const raidMember = "linux_raid_member";

const isOurs = ({ signatures }: BlockDevice, label: string) =>
  signatures.length === 1 && signatures.every((found) => found.type === "ext4" && found.label === label);

function objection(device: BlockDevice): string | undefined {
  if (device.type !== "disk" && device.type !== "loop") return `is a ${device.type}, not a disk`;
  if (device.readOnly) return "can't be written to";
  if (device.mountPoints.length > 0) return `is mounted at ${device.mountPoints.join(", ")}`;
  if (device.children.length > 0) return `is in use by ${device.children.map(({ path }) => path).join(", ")}`;
  if (device.signatures.length > 0) return `holds ${device.signatures.map(({ type }) => type).join(", ")}`;
  if (device.sizeBytes < 1024 * 1024) return "is too small";
  return undefined;
}
