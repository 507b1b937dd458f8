import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GpuTelemetrySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { type Device, migDeviceAt } from "./smi/devices.js";
import type { SmiDocument } from "./smi/document.js";
import type { SmiRow } from "./smi/rows.js";

export type GpuSample = Omit<MessageInitShape<typeof GpuTelemetrySchema>, "$typeName">;

/** Pure. What a sample says of each device that is offered; of a MIG device, what can be said of a part. */
export function gpuTelemetry(
  rows: readonly SmiRow[],
  devices: readonly Device[],
  document: SmiDocument | undefined,
): GpuSample[] {
  return devices.flatMap((device) => {
    const gpu = device.parentUuid ?? device.uuid;
    const row = rows.find(({ uuid, index }) => (uuid === undefined ? index === device.index : uuid === gpu));
    if (!row) return [];
    if (device.parentUuid !== undefined) return part(device, row, devices, document);
    return {
      uuid: device.uuid,
      ...given("utilizationPercent", row.utilizationPercent),
      ...given("memoryUsedBytes", wide(row.memoryUsedBytes)),
      ...given("temperatureCelsius", row.temperatureCelsius),
      ...given("powerWatts", row.powerWatts),
      ...given("smClockMhz", row.smClockMhz === undefined ? undefined : Math.round(row.smClockMhz)),
    };
  });
}

/** How busy it is nobody knows, and the power is the whole GPU's; its memory is told by whole readings alone. */
function part(
  { uuid, parentUuid, migIndex }: Device,
  { temperatureCelsius }: SmiRow,
  devices: readonly Device[],
  document: SmiDocument | undefined,
): GpuSample {
  const at = devices.filter((device) => device.parentUuid === parentUuid).findIndex((device) => device.uuid === uuid);
  const gpu = document?.gpus.find((each) => each.uuid === parentUuid);
  return {
    uuid,
    ...given("memoryUsedBytes", wide(migDeviceAt(gpu?.mig.devices ?? [], migIndex ?? at)?.usedBytes)),
    ...given("temperatureCelsius", temperatureCelsius),
  };
}

const wide = (bytes: number | undefined) => (bytes === undefined ? undefined : BigInt(bytes));

const given = <K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } =>
  value === undefined ? {} : ({ [name]: value } as { [P in K]: V });
