import type { MigDevice } from "../../core/health/smi-gpu.js";
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
  /** Of a MIG device: its GPU's. */
  parentUuid?: string;
  /** Of a MIG device: its number within its GPU. */
  migIndex?: number;
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
    listed?.migDevices.forEach(({ index, profile, uuid }) => {
      const memoryBytes = wide(migDeviceAt(gpu.mig.devices, index)?.memoryBytes);
      const parent = gpu.uuid === undefined ? {} : { parentUuid: gpu.uuid, migIndex: index };
      devices.push({ uuid, index: at, model: `${model} MIG ${profile}`, memoryBytes, ...bus, ...parent });
    });
  });
  return devices;
}

/** What a whole reading says of the MIG device that is the `index`-th of its GPU: by its number, or by its place where all have the same. */
export function migDeviceAt(devices: readonly MigDevice[], index: number): MigDevice | undefined {
  const numbers = new Set(devices.flatMap((device) => device.index ?? []));
  return numbers.size === devices.length ? devices.find((device) => device.index === index) : devices[index];
}

/**
 * What is offered after another look. One that was offered and can't be reached now stays, for its health says what became of it; with its
 * index, which is that of the day it was seen: the others move up when one is lost.
 */
export function stillOffered(before: readonly Device[], fresh: readonly Device[], { gpus }: SmiDocument): Device[] {
  const listed = new Set(gpus.flatMap((gpu) => (gpu.lost || gpu.requiresReset ? [] : (gpu.uuid ?? []))));
  const away = before.filter(
    ({ uuid, parentUuid }) => !listed.has(parentUuid ?? uuid) && !fresh.some((device) => device.uuid === uuid),
  );
  const indexOf = new Map(before.map((device) => [device.parentUuid ?? device.uuid, device.index]));
  const here = fresh.map((device) => ({
    ...device,
    index: indexOf.get(device.parentUuid ?? device.uuid) ?? device.index,
  }));
  return [...here, ...away].sort((a, b) => a.index - b.index);
}

const wide = (bytes: number | undefined) => (bytes === undefined ? undefined : BigInt(bytes));
