import type { Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import type { NodeSample } from "./node-history.js";

/** What of a node's telemetry is kept over time. What it did not measure stays unknown. */
export function sampleOf({ cpuPercent, memoryUsedBytes, load1, gpus, host }: Telemetry): NodeSample {
  return {
    ...ofHost(host),
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

function ofHost(host: Telemetry["host"]): Omit<NodeSample, "gpus"> {
  if (!host) return {};
  const { temperatureCelsius, interfaces, nfsMounts, disks } = host;
  const latencies = nfsMounts.flatMap(({ executionMs }) => executionMs ?? []);
  const free = disks.flatMap(({ sizeBytes, freeBytes }) =>
    sizeBytes > 0n ? (100 * Number(freeBytes)) / Number(sizeBytes) : [],
  );
  const sum = (values: number[]) => (values.length > 0 ? values.reduce((all, value) => all + value, 0) : undefined);
  return {
    ...given("temperatureCelsius", temperatureCelsius),
    ...given("receivedBytesPerSecond", sum(interfaces.map((each) => each.receivedBytesPerSecond))),
    ...given("sentBytesPerSecond", sum(interfaces.map((each) => each.sentBytesPerSecond))),
    ...given("nfsExecutionMs", latencies.length > 0 ? Math.max(...latencies) : undefined),
    ...given("diskFreePercent", free.length > 0 ? Math.min(...free) : undefined),
  };
}

const given = <K extends string>(name: K, value: number | bigint | undefined): { [P in K]?: number } =>
  value === undefined ? {} : ({ [name]: Number(value) } as { [P in K]: number });
