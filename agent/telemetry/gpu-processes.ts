import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GpuProcessSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import type { SmiGpu, SmiProcess } from "../core/health/smi-gpu.js";
import type { AccountNames } from "./account-names.js";
import { belongingOf, type ProcessTable } from "./process-table.js";
import { type Device, migDeviceAt } from "./smi/devices.js";
import type { SmiDocument } from "./smi/document.js";

export type GpuProcess = Omit<MessageInitShape<typeof GpuProcessSchema>, "$typeName">;

/** More than these on one machine are nobody's to read. */
const processesMax = 128;
const nameMax = 40;

/** What runs on each device that is offered, and whose it is. Programs of a desktop are left out. */
export function gpuProcesses(
  { gpus }: SmiDocument,
  devices: readonly Device[],
  { table, accounts }: { table: ProcessTable; accounts: Pick<AccountNames, "of"> },
): GpuProcess[] {
  const all = gpus.flatMap((gpu) => {
    if (gpu.desktopDriver) return [];
    return gpu.processes.flatMap((process): GpuProcess[] => {
      const uuid = deviceOf(gpu, process, devices);
      if (uuid === undefined || process.type === "G") return [];
      const belonging = belongingOf(process.pid, table);
      const { leaseId = "", rank } = belonging ?? {};
      return [
        {
          ...{ gpuUuid: uuid, pid: process.pid, type: process.type, leaseId },
          ...{ name: programOf(process.name), account: accountOf(process.pid, table, accounts) },
          ...(process.memoryBytes === undefined ? {} : { memoryBytes: BigInt(process.memoryBytes) }),
          ...(rank === undefined ? {} : { rank }),
        },
      ];
    });
  });
  return all.slice(0, processesMax);
}

/** Of a GPU that is divided, the part that the process runs on, where that is told. */
function deviceOf(gpu: SmiGpu, process: SmiProcess, devices: readonly Device[]): string | undefined {
  if (gpu.mig.enabled !== true) return devices.find(({ uuid }) => uuid === gpu.uuid)?.uuid;
  const parts = devices.filter(({ parentUuid }) => parentUuid !== undefined && parentUuid === gpu.uuid);
  const part = parts.find(({ migIndex }, at) => {
    const mig = migDeviceAt(gpu.mig.devices, migIndex ?? at);
    return mig?.gpuInstance === process.gpuInstance && mig?.computeInstance === process.computeInstance;
  });
  return part?.uuid ?? (parts.length > 0 ? gpu.uuid : undefined);
}

/** Of a path with arguments, the program: what stands behind it may be anything, secrets too. */
function programOf(name: string | undefined): string {
  const first = (name ?? "").trim().split(/\s/, 1)[0] ?? "";
  return first
    .slice(first.lastIndexOf("/") + 1)
    .replace(/\p{C}/gu, "")
    .slice(0, nameMax);
}

function accountOf(pid: number, table: ProcessTable, accounts: Pick<AccountNames, "of">): string {
  try {
    const { uid } = table.statusOf(pid);
    return Number.isSafeInteger(uid) ? accounts.of(uid) : "";
  } catch (error) {
    // It has ended meanwhile.
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
}
