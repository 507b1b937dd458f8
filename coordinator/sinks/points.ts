import type { Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import type { NodeGpu } from "../core/state.js";

/** One gauge of one node at one time, by the names and units of OpenTelemetry's semantic conventions where there are some. */
export interface Point {
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What was not measured has no point. */
export function pointsOf(telemetry: Telemetry, gpus: readonly NodeGpu[]): Point[] {
  const points: Point[] = [];
  const add = (
    metric: string,
    unit: string,
    value: number | bigint | undefined,
    attributes: Point["attributes"] = {},
  ) => {
    if (value !== undefined) points.push({ metric, unit, value: Number(value), attributes });
  };
  const { cpuPercent, memoryUsedBytes, load1, host } = telemetry;
  add("system.cpu.utilization", "1", cpuPercent === undefined ? undefined : cpuPercent / 100);
  add("system.memory.usage", "By", memoryUsedBytes, { "system.memory.state": "used" });
  add("system.cpu.load_average.1m", "1", load1);
  for (const { mountPoint, sizeBytes, freeBytes } of host?.disks ?? []) {
    const at = { "system.filesystem.mountpoint": mountPoint };
    add("system.filesystem.usage", "By", sizeBytes - freeBytes, { ...at, "system.filesystem.state": "used" });
    add("system.filesystem.usage", "By", freeBytes, { ...at, "system.filesystem.state": "free" });
  }
  for (const { name, receivedBytesPerSecond, sentBytesPerSecond } of host?.interfaces ?? []) {
    const at = { "network.interface.name": name };
    add("stoker.network.rate", "By/s", receivedBytesPerSecond, { ...at, "network.io.direction": "receive" });
    add("stoker.network.rate", "By/s", sentBytesPerSecond, { ...at, "network.io.direction": "transmit" });
  }
  add("stoker.cpu.temperature", "Cel", host?.temperatureCelsius);
  for (const gpu of telemetry.gpus) {
    const known = gpus.find(({ uuid }) => uuid === gpu.uuid);
    const of = {
      "hw.id": gpu.uuid,
      ...(known ? { "hw.name": known.model, "stoker.gpu.index": String(known.index) } : {}),
    };
    add("hw.gpu.utilization", "1", gpu.utilizationPercent === undefined ? undefined : gpu.utilizationPercent / 100, of);
    add("hw.gpu.memory.usage", "By", gpu.memoryUsedBytes, of);
    add("hw.gpu.memory.limit", "By", known && known.memoryBytes > 0 ? known.memoryBytes : undefined, of);
    add("hw.temperature", "Cel", gpu.temperatureCelsius, of);
    add("hw.power", "W", gpu.powerWatts, of);
  }
  return points;
}
