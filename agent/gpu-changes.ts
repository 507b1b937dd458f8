import type { Inventory } from "../shared/gen/stoker/v1/node_pb.js";
import type { GpuHealthSource } from "./health-ports.js";
import type { TelemetrySource } from "./ports.js";

/** When the machine has other GPUs to offer, `inventory` changes in place, they are watched, and the coordinator is told by a new session. */
export function followGpus(
  telemetry: TelemetrySource,
  inventory: Inventory,
  gpus: GpuHealthSource,
  renewSession: () => void,
): void {
  telemetry.changed((found) => {
    inventory.gpus = found.gpus;
    inventory.machineClass = found.machineClass;
    inventory.driverVersion = found.driverVersion;
    inventory.cudaVersion = found.cudaVersion;
    inventory.gpuTrouble = found.gpuTrouble;
    gpus.offer(found.gpus);
    renewSession();
  });
}
