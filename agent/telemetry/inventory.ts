import { readFileSync } from "node:fs";
import { availableParallelism, release, totalmem } from "node:os";
import { create } from "@bufbuild/protobuf";
import { type Inventory, InventorySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import type { InventoryOverrides } from "../ports.js";
import { machineClass } from "./machine-class.js";
import type { GpuRow } from "./nvidia-smi.js";

/** `PRETTY_NAME` of os-release. */
export const parseOsName = (osRelease: string) => /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? "";

/** The first `model name` of /proc/cpuinfo; machines of other makes have none. */
export const parseCpuModel = (cpuinfo: string) => /^model name\s*:\s*(.+)$/m.exec(cpuinfo)?.[1]?.trim() ?? "";

/** What this machine has, less what its owner keeps. */
export function inventoryOf(rows: readonly GpuRow[], overrides: InventoryOverrides): Inventory {
  return inventoryWith(
    {
      os: parseOsName(readIfThere("/etc/os-release")),
      cpuModel: parseCpuModel(readIfThere("/proc/cpuinfo")),
      // More than there are, too: tests and shared machines give slots as they like.
      cpus: overrides.cpus ?? availableParallelism(),
      memoryBytes: overrides.memoryBytes ?? memoryLimit(),
    },
    rows.slice(0, overrides.gpus ?? rows.length),
    overrides.machineClass,
  );
}

function inventoryWith(
  machine: { os: string; cpuModel: string; cpus: number; memoryBytes: number },
  rows: readonly GpuRow[],
  givenClass: string | undefined,
): Inventory {
  return create(InventorySchema, {
    machineClass:
      givenClass ??
      machineClass(
        machine.cpus,
        rows.map(({ model }) => model),
      ),
    os: machine.os,
    kernel: release(),
    cpus: machine.cpus,
    cpuModel: machine.cpuModel,
    memoryBytes: BigInt(machine.memoryBytes),
    gpus: rows.map(({ uuid, index, model, memoryBytes }) => ({ uuid, index, model, memoryBytes: memoryBytes ?? 0n })),
    driverVersion: rows.find(({ driverVersion }) => driverVersion !== undefined)?.driverVersion ?? "",
  });
}

/** A container's limit where there is one. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem();
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
