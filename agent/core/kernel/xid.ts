/** What the NVIDIA driver says of a GPU in the kernel's log. */
export interface Xid {
  code: number;
  /** `dddd:bb:dd`, lower case, without a function. */
  bus: string;
  pid?: number;
  processName?: string;
  /** With MIG: the GPU and the compute instance. */
  gpuInstance?: number;
  computeInstance?: number;
  /** The driver's words after all that. */
  text: string;
}

/**
 * `NVRM: Xid (PCI:0000:3b:00 GPU-I:05): 94, pid=7194, name=python3, Contained: …`. Drivers of different ages leave parts out; SXid, of NVSwitch,
 * is another thing. Format: kernel_rc.c of NVIDIA's open kernel modules, and recorded lines.
 */
const pattern =
  /(?:^|[\s;])NVRM: Xid \((?:PCI:)?([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2})(?:\.[0-9a-f])?(?: GPU-I:([0-9a-f]+))?(?: GPU-CI:([0-9a-f]+))?\): (\d+)(?:, ?(.*))?$/i;

export function readXid(line: string): Xid | undefined {
  const match = pattern.exec(line);
  if (!match) return undefined;
  const [, bus = "", gpuInstance, computeInstance, code, rest = ""] = match;
  const pid = /^pid=(?:(\d+)|'?<unknown>'?)(?:, ?|$)/.exec(rest);
  const afterPid = pid ? rest.slice(pid[0].length) : rest;
  // A name may hold anything but a comma.
  const name = pid ? /^name=([^,]*)(?:, ?|$)/.exec(afterPid) : null;
  const text = name ? afterPid.slice(name[0].length) : afterPid;
  const known = name?.[1] !== undefined && name[1] !== "" && name[1] !== "<unknown>";
  return {
    code: Number(code),
    bus: bus.toLowerCase(),
    ...(pid?.[1] === undefined ? {} : { pid: Number(pid[1]) }),
    ...(known ? { processName: name[1] } : {}),
    ...(gpuInstance === undefined ? {} : { gpuInstance: Number.parseInt(gpuInstance, 16) }),
    ...(computeInstance === undefined ? {} : { computeInstance: Number.parseInt(computeInstance, 16) }),
    text,
  };
}
