import { availableParallelism, release, totalmem } from "node:os";
import { create } from "@bufbuild/protobuf";
import { cpu as cpuInfo, osInfo } from "systeminformation";
import { type Inventory, InventorySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import type { InventoryOverrides } from "../ports.js";
import { machineClass } from "./machine-class.js";
import type { Machine } from "./smi/ask.js";

/** What this machine has, less what its owner keeps. */
export async function inventoryOf(gpus: Machine, overrides: InventoryOverrides): Promise<Inventory> {
  const [os, cpu] = await Promise.all([osInfo(), cpuInfo()]);
  return inventoryWith(
    {
      os: [os.distro, os.release].filter((part) => part !== "").join(" "),
      cpuModel: [cpu.manufacturer, cpu.brand].filter((part) => part !== "").join(" "),
      // More than there are, too: tests and shared machines give slots as they like.
      cpus: overrides.cpus ?? availableParallelism(),
      memoryBytes: overrides.memoryBytes ?? memoryLimit(),
    },
    { ...gpus, devices: gpus.devices.slice(0, overrides.gpus ?? gpus.devices.length) },
    overrides.machineClass,
  );
}

function inventoryWith(
  machine: { os: string; cpuModel: string; cpus: number; memoryBytes: number },
  { devices, driverVersion = "", cudaVersion = "" }: Machine,
  givenClass: string | undefined,
): Inventory {
  return create(InventorySchema, {
    machineClass:
      givenClass ??
      machineClass(
        machine.cpus,
        devices.map(({ model }) => model),
      ),
    os: machine.os,
    kernel: release(),
    cpus: machine.cpus,
    cpuModel: machine.cpuModel,
    memoryBytes: BigInt(machine.memoryBytes),
    gpus: devices.map((device) => ({ ...device, memoryBytes: device.memoryBytes ?? 0n })),
    driverVersion,
    cudaVersion,
  });
}

/** A container's limit where there is one. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem();
}
