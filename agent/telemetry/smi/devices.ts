import type { SmiDocument } from "./document.js";
import type { ListedGpu } from "./list.js";

/** One thing that can be given to a job: a GPU, or a MIG device of one. */
export interface Device {
  uuid: string;
  index: number;
  model: string;
  /** Undefined on machines whose GPU shares the system's memory. */
  memoryBytes: bigint | undefined;
  /** See busId. */
  busId?: string;
}

/**
 * What a machine can offer. A GPU in MIG mode is offered by its devices, and not at all while it has none: no program can use it then. One that
 * is lost, waits for a reset or may not be computed on is left out.
 */
export function devicesOf({ gpus }: SmiDocument, list: readonly ListedGpu[]): Device[] {
  const devices: Device[] = [];
  gpus.forEach((gpu, at) => {
    if (gpu.uuid === undefined || gpu.lost || gpu.requiresReset || gpu.computeMode === "Prohibited") return;
    const model = gpu.name ?? "GPU";
    const bus = gpu.busId === undefined ? {} : { busId: gpu.busId };
    if (gpu.mig.enabled !== true) {
      devices.push({ uuid: gpu.uuid, index: at, model, memoryBytes: wide(gpu.memory.totalBytes), ...bus });
      return;
    }
    // Masked recordings share a UUID; the order is the same in both.
    const listed = list.find(({ index, uuid }) => index === at && uuid === gpu.uuid);
    listed?.migDevices.forEach(({ profile, uuid }, device) => {
      const memoryBytes = wide(gpu.mig.devices[device]?.memoryBytes);
      devices.push({ uuid, index: at, model: `${model} MIG ${profile}`, memoryBytes, ...bus });
    });
  });
  return devices;
}

const wide = (bytes: number | undefined) => (bytes === undefined ? undefined : BigInt(bytes));
