/** What a lease's control groups are told. */
export interface LimitFile {
  readonly name: string;
  readonly value: string;
}

export interface GrantedShare {
  readonly cpus: number;
  /** 0: not limited. */
  readonly memoryBytes: number;
}

/** Far more than a training job has, far fewer than a machine has numbers for. Threads count. */
export const processesMax = 32_768;
/** In which a group's processor time is counted. */
const periodUs = 100_000;

/** `machineCpus`: of a lease that has all of them the cores are not counted. */
export function limitsOfVersion2({ cpus, memoryBytes }: GrantedShare, machineCpus: number): LimitFile[] {
  return [
    { name: "pids.max", value: String(processesMax) },
    // Killed as a whole: half a training job is none.
    { name: "memory.oom.group", value: "1" },
    { name: "memory.max", value: memoryBytes > 0 ? String(memoryBytes) : "max" },
    { name: "memory.swap.max", value: memoryBytes > 0 ? "0" : "max" },
    { name: "cpu.weight", value: String(Math.min(10_000, Math.max(1, cpus) * 100)) },
    { name: "cpu.max", value: cpus > 0 && cpus < machineCpus ? `${cpus * periodUs} ${periodUs}` : `max ${periodUs}` },
  ];
}

/** By controller; the same in the words of version 1. */
export function limitsOfVersion1(
  { cpus, memoryBytes }: GrantedShare,
  machineCpus: number,
): Record<"memory" | "cpu" | "pids", LimitFile[]> {
  const quota = cpus > 0 && cpus < machineCpus ? cpus * periodUs : -1;
  return {
    pids: [{ name: "pids.max", value: String(processesMax) }],
    memory: [{ name: "memory.limit_in_bytes", value: String(memoryBytes > 0 ? memoryBytes : -1) }],
    cpu: [
      { name: "cpu.shares", value: String(Math.max(1, cpus) * 1024) },
      { name: "cpu.cfs_period_us", value: String(periodUs) },
      { name: "cpu.cfs_quota_us", value: String(quota) },
    ],
  };
}

/** The processes that were killed for want of memory, by `memory.events` or `memory.oom_control`. */
export function killedForMemory(text: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

const gpuMajor = 195;
/** More GPUs than a machine has; the numbers above are no GPUs. */
const gpuMinorsMax = 64;

/** For `devices.deny`: all GPUs but those. */
export function deniedGpus(kept: readonly number[]): string[] {
  return Array.from({ length: gpuMinorsMax }, (_, minor) => minor)
    .filter((minor) => !kept.includes(minor))
    .map((minor) => `c ${gpuMajor}:${minor} rwm`);
}

/** Of the driver's own words about one GPU (`/proc/driver/nvidia/gpus/<address>/information`). */
export function gpuInformation(text: string): { uuid: string; minor: number } | undefined {
  const uuid = /^GPU UUID:\s*(\S+)/m.exec(text)?.[1];
  const minor = /^Device Minor:\s*(\d+)/m.exec(text)?.[1];
  return uuid === undefined || minor === undefined ? undefined : { uuid, minor: Number(minor) };
}
