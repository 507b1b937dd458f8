import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { HostTelemetrySchema, InventorySchema, TelemetrySchema } from "../../../shared/gen/stoker/v1/node_pb.js";
import { gpuLines, hostLines } from "./machine.js";

const gib = 2n ** 30n;
const unused = { gpuFaults: [], allocations: [] };

it("GPUs with what they do, where they are, and how they are connected", () => {
  const gpu = (index: number) => ({
    ...{ uuid: `GPU-${index}`, index, model: "H100", memoryBytes: 80n * gib, numaNode: 0, nics: ["mlx5_0"] },
    links: index === 0 ? ["X", "NV18"] : ["NV18", "X"],
  });
  const inventory = create(InventorySchema, { gpus: [gpu(0), gpu(1)] });
  const measured = {
    uuid: "GPU-0",
    utilizationPercent: 0,
    memoryUsedBytes: 2n * gib,
    temperatureCelsius: 30,
    powerWatts: 70,
  };
  const telemetry = create(TelemetrySchema, { gpus: [measured] });
  expect(gpuLines(inventory, telemetry, unused)).toEqual([
    ["No GPUs", ""],
    ["GPU 0", "H100, GPU-0, healthy, free, 2.0 GiB of 80 GiB, 0 %, 30 °C, 70 W, NUMA node 0, near mlx5_0"],
    ["GPU 1", "H100, GPU-1, healthy, free, 80 GiB, NUMA node 0, near mlx5_0"],
    ["Links of GPU 0", "X    NV18"],
    ["Links of GPU 1", "NV18 X"],
  ]);
  expect(gpuLines(create(InventorySchema, { gpuTrouble: "the driver is not loaded" }), undefined, unused)).toEqual([
    ["No GPUs", "the driver is not loaded"],
  ]);
});

it("what runs on a GPU, and for whom", () => {
  const parts = [0, 1].map((at) => ({ uuid: `MIG-${at}`, parentUuid: "GPU-a", index: 2, model: "A100 MIG 3g.20gb" }));
  const inventory = create(InventorySchema, { gpus: parts });
  const process = { gpuUuid: "MIG-1", type: "C", pid: 7 };
  const job = { jobId: "workspaces/w/experiments/e/jobs/train", attempt: 2, rank: 3 };
  const telemetry = create(TelemetrySchema, {
    gpuProcesses: {
      processes: [
        { ...process, ...job, name: "python3", account: "alice", memoryBytes: 10n * gib },
        { ...process, jobId: "a job of another workspace", memoryBytes: 0n },
        { ...process, name: "blender", account: "bob" },
      ],
    },
  });
  expect(gpuLines(inventory, telemetry, unused).slice(1)).toEqual([
    ["GPU 2/0", "A100 MIG 3g.20gb, MIG-0, healthy, free"],
    ["GPU 2/1", "A100 MIG 3g.20gb, MIG-1, healthy, free"],
    ["  on GPU 2/1", "process 7, python3 as alice, 10.0 GiB, job train (attempt 2), rank 3"],
    ["  on GPU 2/1", "process 7, 0 GiB, a job of another workspace"],
    ["  on GPU 2/1", "process 7, blender as bob, a stranger's: it belongs to no job"],
  ]);
});

it("disks, network and file servers", () => {
  const host = create(HostTelemetrySchema, {
    temperatureCelsius: 51.4,
    disks: [{ mountPoint: "/", sizeBytes: 100n * gib, freeBytes: 25n * gib }],
    interfaces: [
      { name: "eth0", receivedBytesPerSecond: 1.5e6, sentBytesPerSecond: 0, errors: 2n, linkMbps: 25_000n },
      { name: "eth1", receivedBytesPerSecond: 0, sentBytesPerSecond: 0 },
    ],
    nfsMounts: [
      { mountPoint: "/data", operationsPerSecond: 40, roundTripMs: 2.5, executionMs: 4, retransmissions: 1n },
      { mountPoint: "/idle" },
    ],
  });
  expect(hostLines(host)).toEqual([
    ["Temperature", "51 °C"],
    ["Disk", "/: 25 GiB of 100 GiB free"],
    ["Network", "eth0: 25 Gbit/s, 1.5 MB/s in, 0.0 MB/s out, 2 errors since its start"],
    ["Network", "eth1: 0.0 MB/s in, 0.0 MB/s out"],
    ["NFS", "/data: 4.0 ms an operation, 2.5 ms of it the server's, 40 a second, 1 sent again"],
    ["NFS", "/idle: not in use"],
  ]);
  expect(hostLines(undefined)).toEqual([]);
});
