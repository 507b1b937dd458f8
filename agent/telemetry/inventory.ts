import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { create } from "@bufbuild/protobuf";
import { type Inventory, InventorySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import type { InventoryOverrides } from "../ports.js";
import type { OfferedGpus } from "./gpu-inventory.js";
import { machineClass } from "./machine-class.js";
import type { Device } from "./smi/devices.js";
import { nearestNics, type Topology } from "./smi/topology.js";

/** What this machine has, less what its owner keeps. */
export function inventoryOf(gpus: OfferedGpus, overrides: InventoryOverrides): Inventory {
  const given = overrides.given?.(gpus.devices) ?? gpus.devices;
  return inventoryWith(
    {
      os: osName(),
      cpuModel: cpus()[0]?.model.trim() ?? "",
      // More than there are, too: tests and shared machines give slots as they like.
      cpus: overrides.cpus ?? availableParallelism(),
      memoryBytes: overrides.memoryBytes ?? memoryLimit(),
    },
    { ...gpus, devices: given.slice(0, overrides.gpus ?? given.length) },
    overrides.machineClass,
  );
}

/** `Debian GNU/Linux 12`. From the file alone: a restarted agent has ranks to take up, and no time to ask programs. */
function osName(): string {
  let text: string;
  try {
    text = readFileSync("/etc/os-release", "utf8");
  } catch {
    // A machine without it runs jobs as well.
    return "Linux";
  }
  const value = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, "m").exec(text)?.[1] ?? "";
  return [value("NAME"), value("VERSION_ID")].filter((part) => part !== "").join(" ");
}

function inventoryWith(
  machine: { os: string; cpuModel: string; cpus: number; memoryBytes: number },
  { devices, driverVersion = "", cudaVersion = "", topology, trouble }: OfferedGpus,
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
    gpus: devices.map((device) => ({
      ...device,
      memoryBytes: device.memoryBytes ?? 0n,
      ...(topology ? connection(device, devices, topology) : {}),
    })),
    gpuTrouble: trouble,
    driverVersion,
    cudaVersion,
  });
}

function connection({ index }: Device, devices: readonly Device[], topology: Topology) {
  const place = topology.get(index);
  if (!place) return {};
  const { links, cpuAffinity, numaNode } = place;
  return {
    links: devices.map((other) => links.get(other.index) ?? ""),
    nics: nearestNics(place),
    ...(cpuAffinity === undefined ? {} : { cpuAffinity }),
    ...(numaNode === undefined ? {} : { numaNode }),
  };
}

/** A container's limit where there is one. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < totalmem() ? constrained : totalmem();
}
