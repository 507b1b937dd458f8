import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { TelemetrySchema } from "../../shared/gen/stoker/v1/node_pb.js";
import { Samples } from "./samples.js";

const said = (init: Parameters<typeof create<typeof TelemetrySchema>>[1]) => create(TelemetrySchema, init);

it("GPUs are named by their place in the session's inventory, or by themselves as older agents do", () => {
  const samples = new Samples();
  const gpus = [
    { place: 2, utilizationPercent: 7 },
    { uuid: "GPU-c", utilizationPercent: 0 },
    { place: 9, utilizationPercent: 1 },
  ];
  samples.take("n1", ["GPU-a", "GPU-b"], said({ gpus }));
  expect(samples.of("n1")?.gpus).toMatchObject([
    { uuid: "GPU-b", utilizationPercent: 7, place: 0 },
    { uuid: "GPU-c", utilizationPercent: 0 },
  ]);
});

it("what changes slowly holds until it is told again", () => {
  const samples = new Samples();
  samples.take("n1", [], said({ cpuPercent: 1, host: { temperatureCelsius: 50 } }));
  samples.take("n1", [], said({ cpuPercent: 2 }));
  expect(samples.of("n1")).toMatchObject({ cpuPercent: 2, host: { temperatureCelsius: 50 } });
  samples.take("n1", [], said({ host: { temperatureCelsius: 60 } }));
  expect(samples.of("n1")?.host?.temperatureCelsius).toBe(60);
  expect(samples.of("n1")?.cpuPercent).toBeUndefined();
  expect(samples.of("n2")).toBeUndefined();
});

it("processes hold until the GPUs are read again, and an empty list is a list", () => {
  const samples = new Samples();
  samples.take("n1", [], said({ gpuProcesses: { processes: [{ pid: 7, gpuUuid: "GPU-a" }] } }));
  samples.take("n1", [], said({ cpuPercent: 1 }));
  expect(samples.of("n1")?.gpuProcesses?.processes).toMatchObject([{ pid: 7 }]);
  samples.take("n1", [], said({ gpuProcesses: {} }));
  expect(samples.of("n1")?.gpuProcesses?.processes).toEqual([]);
});

it("a time that can't be is none", () => {
  const samples = new Samples();
  const time = { seconds: 2n ** 62n, nanos: 0 };
  samples.take(
    "n1",
    [],
    said({ gpuProcesses: { time, processes: [{ pid: 7 }] }, logsWaiting: { since: time, bytes: 5n } }),
  );
  expect(samples.of("n1")?.gpuProcesses).not.toHaveProperty("time");
  expect(samples.of("n1")?.logsWaiting).not.toHaveProperty("since");
  expect(samples.of("n1")).toMatchObject({ gpuProcesses: { processes: [{ pid: 7 }] }, logsWaiting: { bytes: 5n } });
});

it("one that is too large is not kept", () => {
  const samples = new Samples();
  expect(samples.take("n1", [], said({ freezer: "x".repeat(100_000) }))).toBeUndefined();
  expect(samples.of("n1")).toBeUndefined();
});
