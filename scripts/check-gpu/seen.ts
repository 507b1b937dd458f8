import type { SmiGpu } from "../../agent/core/health/smi-gpu.js";
import type { Report } from "./report.js";

type Process = SmiGpu["processes"][number];

/** What was seen of the job while it ran. */
export interface Seen {
  /** What nvidia-smi said when it listed the job. */
  text: string;
  /** CUDA_VISIBLE_DEVICES, as the job's processes have it. */
  visible: string;
  pids: Set<number>;
  gpus: Map<
    string,
    {
      processes: Process[];
      own: Process[];
      utilizationPercent: number | undefined;
      memoryUsedBytes: number | undefined;
    }
  >;
  /** The GPU of each slice. */
  mig: Map<string, string>;
  /** By the coordinator. */
  told: Map<string, { utilizationPercent: number; memoryUsedBytes: number }>;
}

/** A process that uses CUDA holds more than that by its context alone. */
const leastBytes = 32 * 2 ** 20;

/** Pure: whether all who looked at the job saw the same. */
export function tell(seen: Seen, before: readonly SmiGpu[], report: Report): void {
  const { visible, gpus, mig, told, pids } = seen;
  const uuid = mig.get(visible) ?? visible;
  const gpu = gpus.get(uuid);
  const known = [...gpus.keys()].join(", ");
  report.judge(
    gpu !== undefined,
    `it has CUDA_VISIBLE_DEVICES=${visible}${gpu ? `, which is on GPU ${uuid}` : `, and nvidia-smi knows ${known}`}`,
  );
  if (!gpu) return;
  const elsewhere = [...gpus].find(([other, { own }]) => other !== uuid && own.length > 0);
  if (elsewhere) report.fail(`nvidia-smi lists its process on ${elsewhere[0]}, and it was given ${uuid}`);
  const usedBefore = before.find((each) => each.uuid === uuid)?.memory.usedBytes ?? 0;
  const rise = (gpu.memoryUsedBytes ?? 0) - usedBefore;
  const held = Math.max(0, ...gpu.own.map(({ memoryBytes }) => memoryBytes ?? 0));
  const [own] = gpu.own;
  if (own) {
    report.ok(`nvidia-smi lists the job's process (${own.pid}) on that GPU`);
    if (gpu.own.every(({ memoryBytes }) => memoryBytes === undefined))
      report.skip("the process' memory", "nvidia-smi does not tell it of this GPU");
    else report.judge(held > 0, `it holds ${mebibytes(held)} of the GPU's memory`);
  } else if (!elsewhere && rise > leastBytes) {
    const listed = [...new Set(gpu.processes.map(({ pid }) => pid))].join(", ");
    const numbers = `the job's are ${[...pids].join(", ")}, and it lists ${listed === "" ? "none" : listed}`;
    report.skip(
      "the job's process",
      `nvidia-smi tells other process numbers here, as in a container of its own: ${numbers}`,
    );
  } else if (!elsewhere) {
    report.fail(`nvidia-smi lists none of the job's processes (${[...pids].join(", ")}) on ${uuid}`);
  }
  if (gpu.memoryUsedBytes === undefined) report.skip("the memory in use", "nvidia-smi does not tell it of this GPU");
  else {
    // Others may have given theirs back meanwhile.
    const words = `the GPU's memory in use went from ${mebibytes(usedBefore)} to ${mebibytes(gpu.memoryUsedBytes)}`;
    report.judge(rise > 0 || (held > 0 && gpu.memoryUsedBytes >= held), words);
  }
  const { utilizationPercent: busy } = gpu;
  const none = mig.size > 0 ? "a GPU that is divided (MIG) tells no utilization" : "nvidia-smi does not tell it";
  if (busy === undefined) report.skip("the utilization", none);
  else report.judge(busy > 0, `the GPU was ${busy} % busy`);
  const heard = told.get(visible) ?? told.get(uuid);
  if (busy !== undefined)
    report.judge(
      (heard?.utilizationPercent ?? 0) > 0,
      `the coordinator was told of ${heard?.utilizationPercent ?? 0} %`,
    );
  if (gpu.memoryUsedBytes !== undefined)
    report.judge((heard?.memoryUsedBytes ?? 0) > 0, `and of ${mebibytes(heard?.memoryUsedBytes)} in use`);
}

const mebibytes = (bytes: number | undefined) => `${Math.round((bytes ?? 0) / 2 ** 20)} MiB`;
