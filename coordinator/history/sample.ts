import type { Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import type { NodeSample } from "./node-history.js";

/** What of a node's telemetry is kept over time. What it did not measure stays unknown. */
export function sampleOf({ cpuPercent, memoryUsedBytes, load1, gpus }: Telemetry): NodeSample {
  return {
    ...given("cpuPercent", cpuPercent),
    ...given("memoryUsedBytes", memoryUsedBytes),
    ...given("load1", load1),
    gpus: gpus.map((gpu) => ({
      uuid: gpu.uuid,
      ...given("utilizationPercent", gpu.utilizationPercent),
      ...given("memoryUsedBytes", gpu.memoryUsedBytes),
      ...given("temperatureCelsius", gpu.temperatureCelsius),
      ...given("powerWatts", gpu.powerWatts),
    })),
  };
}

const given = <K extends string>(name: K, value: number | bigint | undefined): { [P in K]?: number } =>
  value === undefined ? {} : ({ [name]: Number(value) } as { [P in K]: number });
