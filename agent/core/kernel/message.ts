import { readXid, type Xid } from "./xid.js";

/** What the kernel says that may explain a death or a fault. */
export type KernelMessage =
  | { kind: "xid"; xid: Xid }
  /** Said without an Xid, when the driver looks for the GPU and gets no answer. */
  | { kind: "gpu-fell-off"; bus: string }
  /** Which GPU is where; said once, before the first Xid. */
  | { kind: "gpu-at"; bus: string; uuid: string }
  | {
      kind: "out-of-memory";
      pid: number;
      processName: string /** By a limit of its group, not for want on the whole machine. */;
      limited: boolean;
    }
  | { kind: "crash"; pid: number; processName: string; text: string }
  | { kind: "hung"; pid: number; processName: string; seconds: number }
  | { kind: "nfs-silent"; server: string }
  | { kind: "nfs-answers"; server: string }
  | { kind: "disk-error"; device: string }
  | { kind: "read-only"; device: string }
  | { kind: "machine-check"; text: string }
  | { kind: "overheated"; text: string }
  | { kind: "pcie-error"; bus: string; fatal: boolean }
  | { kind: "link-down"; device: string };

type Read = (text: string) => KernelMessage | undefined;

/** Wording of Linux 4.18 to 6.8, at mm/oom_kill.c, kernel/hung_task.c, net/sunrpc/clnt.c, block/blk-core.c, fs/ext4/super.c and others. */
const readers: readonly Read[] = [
  (text) => {
    const xid = readXid(text);
    return xid && { kind: "xid", xid };
  },
  matching(/NVRM: GPU at (?:PCI:)?([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2})[^:]*: (GPU-[-0-9a-f]+)/i, (bus, uuid) => ({
    kind: "gpu-at",
    bus: bus.toLowerCase(),
    uuid,
  })),
  matching(/NVRM: The NVIDIA GPU ([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2})/i, (bus) => ({
    kind: "gpu-fell-off",
    bus: bus.toLowerCase(),
  })),
  matching(
    /^(Memory cgroup o|O)ut of memory: Kill(?:ed)? process (\d+) \((.*?)\)(?=,| total-vm| score|$)/,
    (how, pid, processName) => ({
      kind: "out-of-memory",
      pid: Number(pid),
      processName,
      limited: how.startsWith("Memory"),
    }),
  ),
  matching(
    /^(?:traps: )?(\S.*?)\[(\d+)\]:? ((?:segfault|general protection|trap |bad ).*)/,
    (processName, pid, text) => ({
      kind: "crash",
      pid: Number(pid),
      processName,
      text,
    }),
  ),
  matching(/^INFO: task (.+):(\d+) blocked for more than (\d+) seconds/, (processName, pid, seconds) => ({
    kind: "hung",
    pid: Number(pid),
    processName,
    seconds: Number(seconds),
  })),
  matching(/^nfs4?: server (\S+) not responding/, (server) => ({ kind: "nfs-silent", server })),
  matching(/^nfs4?: server (\S+) OK/, (server) => ({ kind: "nfs-answers", server })),
  matching(/(?:blk_update_request: )?(?:I\/O|critical medium|critical target) error, dev (\S+?),/, (device) => ({
    kind: "disk-error",
    device,
  })),
  matching(/^EXT4-fs (?:error|warning)? ?\(device (\S+?)\).*(?:Remounting filesystem read-only)/, (device) => ({
    kind: "read-only",
    device,
  })),
  matching(/^EXT4-fs \((\S+?)\): Remounting filesystem read-only/, (device) => ({ kind: "read-only", device })),
  matching(/^XFS \((\S+?)\): .*(?:Shutting down filesystem|shut down)/, (device) => ({ kind: "read-only", device })),
  matching(/^(?:mce: )?\[Hardware Error\]: (.*)/, (text) => ({ kind: "machine-check", text })),
  matching(/^(?:mce: )?(CPU\d+: (?:Core|Package) temperature (?:above threshold|is above threshold).*)/, (text) => ({
    kind: "overheated",
    text,
  })),
  matching(
    /^pcieport .*AER: .*?(Uncorrected|Uncorrectable|Corrected|Fatal)( \(Non-Fatal\))?.*?error.*?([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2})/i,
    (how, nonFatal, bus) => ({
      kind: "pcie-error",
      bus: bus.toLowerCase(),
      fatal: !/^corrected/i.test(how) && !nonFatal,
    }),
  ),
  matching(/^(?:\S+ [0-9a-f:.]+ )?(\w[-\w.]*): (?:NIC )?Link is Down/i, (device) => ({ kind: "link-down", device })),
];

function matching(pattern: RegExp, made: (...parts: [string, string, string]) => KernelMessage): Read {
  return (text) => {
    const match = pattern.exec(text);
    return match ? made(match[1] ?? "", match[2] ?? "", match[3] ?? "") : undefined;
  };
}

/** Undefined for the many lines that mean nothing here. */
export function readMessage(text: string): KernelMessage | undefined {
  for (const read of readers) {
    const message = read(text);
    if (message) return message;
  }
  return undefined;
}
