import type { KernelMessage } from "../kernel/message.js";
import { clockTime, type Evidence, type Rule } from "./diagnosis.js";

const sigkill = 9;
const sigbus = 7;

/** What the kernel said of this death, or may have: the last of that kind. */
function last<K extends KernelMessage["kind"]>({ kernel }: Evidence, kind: K) {
  for (let at = kernel.length - 1; at >= 0; at--) {
    const entry = kernel[at];
    if (entry?.message.kind === kind)
      return { at: entry.at, message: entry.message as Extract<KernelMessage, { kind: K }> };
  }
  return undefined;
}

/** What a program says when its storage, its network or a device fails it. The kernel's word about those names no process: only together they count. */
const symptoms = {
  storage:
    /Input\/output error|\bEIO\b|Errno 5\]|Read-only file system|EROFS|Stale file handle|timed out|Transport endpoint|Host is down/i,
  network:
    /Connection (?:reset|refused|timed out|closed)|No route to host|Network is unreachable|NCCL|gloo|ORTE|PRTE|Broken pipe|timed? ?out/i,
  device: /CUDA|NCCL|GPU|NVML/i,
};

const died = ({ signal, exitCode }: Evidence) => signal > 0 || exitCode > 128;
const says = ({ stderr, stdout }: Evidence, pattern: RegExp) => pattern.test(stderr) || pattern.test(stdout);

/** A killing by the kernel and the death it causes lie close together. */
const soonMs = 10_000;
const soon = ({ at }: Evidence, found: { at: number } | undefined) => found !== undefined && at - found.at <= soonMs;

const killed = ({ signal, exitCode }: Evidence) => signal === sigkill || exitCode === 128 + sigkill;

/** What a lease's own control group has counted, where the kernel's log can't be read. */
function ofControlGroup(evidence: Evidence): string | undefined {
  const { killedForMemory = 0, memoryBytes = 0 } = evidence;
  if (!killed(evidence) || killedForMemory === 0) return undefined;
  const gib = (memoryBytes / 2 ** 30).toFixed(1).replace(/\.0$/, "");
  return `the kernel killed it for going over the job's memory${memoryBytes > 0 ? ` of ${gib} GiB` : ""}: ask for more in resources.memory, or use less`;
}

/** The machine's own evidence, but for its GPUs. */
export const machineRules: readonly Rule[] = [
  {
    name: "memory-limit",
    class: "user",
    proven: true,
    sentence: (evidence) => {
      const found = killed(evidence) ? last(evidence, "out-of-memory") : undefined;
      if (!found?.message.limited || !soon(evidence, found)) return ofControlGroup(evidence);
      const { processName, pid } = found.message;
      return `the kernel killed ${processName} (process ${pid}) for going over the job's memory, ${clockTime(found.at)}: ask for more in resources.memory, or use less`;
    },
  },
  {
    name: "machine-out-of-memory",
    class: "node",
    proven: true,
    sentence: (evidence) => {
      const found = killed(evidence) ? last(evidence, "out-of-memory") : undefined;
      if (!found || found.message.limited || !soon(evidence, found)) return undefined;
      const { processName, pid } = found.message;
      return `the machine ran out of memory, and the kernel killed ${processName} (process ${pid}), ${clockTime(found.at)}: state resources.memory, so that jobs share the machine within its memory`;
    },
  },
  {
    name: "disk-error",
    class: "storage",
    proven: true,
    sentence: (evidence) => {
      const found = died(evidence) || says(evidence, symptoms.storage) ? last(evidence, "disk-error") : undefined;
      return found && `disk ${found.message.device} of the machine can't be read or written, ${clockTime(found.at)}`;
    },
  },
  {
    name: "disk-read-only",
    class: "storage",
    proven: true,
    sentence: (evidence) => {
      const found = says(evidence, symptoms.storage) ? last(evidence, "read-only") : undefined;
      return (
        found && `the file system on ${found.message.device} was made read-only after an error, ${clockTime(found.at)}`
      );
    },
  },
  {
    name: "file-server-silent",
    class: "storage",
    proven: true,
    sentence: (evidence) => {
      const silent = died(evidence) || says(evidence, symptoms.storage) ? last(evidence, "nfs-silent") : undefined;
      const answers = last(evidence, "nfs-answers");
      if (!silent || (answers && answers.at >= silent.at && answers.message.server === silent.message.server))
        return undefined;
      return `file server ${silent.message.server} does not answer this machine since ${clockTime(silent.at)}`;
    },
  },
  {
    name: "machine-check",
    class: "node",
    proven: true,
    sentence: (evidence) => {
      const found = died(evidence) ? last(evidence, "machine-check") : undefined;
      return (
        found && `the machine's hardware reported an error, ${clockTime(found.at)}: ${found.message.text.slice(0, 160)}`
      );
    },
  },
  {
    name: "pcie-fatal",
    class: "node",
    proven: true,
    sentence: (evidence) => {
      const found = died(evidence) || says(evidence, symptoms.device) ? last(evidence, "pcie-error") : undefined;
      return found?.message.fatal
        ? `the PCIe device at ${found.message.bus} had an error that can't be corrected, ${clockTime(found.at)}`
        : undefined;
    },
  },
  {
    name: "link-down",
    class: "node",
    proven: true,
    sentence: (evidence) => {
      const found = says(evidence, symptoms.network) ? last(evidence, "link-down") : undefined;
      return found && `network link ${found.message.device} of the machine went down, ${clockTime(found.at)}`;
    },
  },
  {
    name: "hung",
    class: "storage",
    proven: true,
    sentence: (evidence) => {
      const found = killed(evidence) ? last(evidence, "hung") : undefined;
      return (
        found &&
        `${found.message.processName} (process ${found.message.pid}) waited for a disk, a file server or a driver for more than ${found.message.seconds} s, ${clockTime(found.at)}`
      );
    },
  },
  {
    name: "shared-memory-full",
    class: "user",
    proven: false,
    sentence: ({ signal, exitCode, stderr }) =>
      (signal === sigbus || exitCode === 128 + sigbus) && /shm|shared memory|DataLoader/i.test(stderr)
        ? "it was ended by SIGBUS for want of shared memory: give its container more with shmSize, or use fewer loader processes"
        : undefined,
  },
];
