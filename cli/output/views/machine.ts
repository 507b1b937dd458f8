import type {
  Gpu,
  GpuProcess,
  GpuTelemetry,
  HostTelemetry,
  Inventory,
  Node,
  Telemetry,
} from "../../../shared/gen/stoker/v1/node_pb.js";
import { leafOf } from "../../ids.js";
import type { Detail } from "../table.js";
import { gibibytes } from "../time.js";
import { nameOfGpu } from "./gpu-name.js";
import { suspectedText } from "./suspected.js";

/** What a machine's GPUs are and do, for whom, and how they are connected. */
export function gpuLines(
  inventory: Inventory | undefined,
  telemetry: Telemetry | undefined,
  { gpuFaults, allocations }: Pick<Node, "gpuFaults" | "allocations">,
): Detail[] {
  const gpus = inventory?.gpus ?? [];
  const lines = gpus.flatMap((gpu): Detail[] => {
    const now = telemetry?.gpus.find(({ uuid }) => uuid === gpu.uuid);
    const state = gpuFaults.find(({ uuid }) => uuid === gpu.uuid)?.state ?? "healthy";
    const holder = allocations.find(({ gpuUuids }) => gpuUuids.includes(gpu.uuid));
    const user = holder ? `job ${leafOf(holder.jobId)}${suspectedText(holder.suspected)}` : "free";
    const parts = [gpu.model, gpu.uuid, state, user, ...doing(gpu, now), ...place(gpu)];
    const name = `GPU ${nameOfGpu(gpu, gpus)}`;
    const processes = telemetry?.gpuProcesses?.processes.filter(({ gpuUuid }) => gpuUuid === gpu.uuid) ?? [];
    return [
      [name, parts.filter(Boolean).join(", ")],
      ...processes.map((process): Detail => [`  on ${name}`, processText(process)]),
    ];
  });
  const trouble: Detail[] = [["No GPUs", inventory?.gpuTrouble ?? ""]];
  if (gpus.length < 2 || !gpus.some(({ links }) => links.length > 0)) return [...trouble, ...lines];
  const links = gpus.map(
    ({ index, links: row }): Detail => [
      `Links of GPU ${index}`,
      row
        .map((word) => (word || "?").padEnd(4))
        .join(" ")
        .trimEnd(),
    ],
  );
  return [...trouble, ...lines, ...links];
}

/** `process 4711, python3 as alice, 10 GiB, job train (attempt 2), rank 0` */
function processText({ pid, name, account, memoryBytes, jobId, attempt, rank }: GpuProcess): string {
  const program = [name, account === "" ? "" : `as ${account}`].filter(Boolean).join(" ");
  const isKnown = jobId.includes("/");
  const owner = isKnown ? `job ${leafOf(jobId)} (attempt ${attempt})` : jobId || "a stranger's: it belongs to no job";
  return [
    `process ${pid}`,
    program,
    memoryBytes === undefined ? "" : gibibytes(memoryBytes) || "0 GiB",
    owner,
    rank === undefined ? "" : `rank ${rank}`,
  ]
    .filter(Boolean)
    .join(", ");
}

function doing({ memoryBytes }: Gpu, now: GpuTelemetry | undefined): string[] {
  const { utilizationPercent, memoryUsedBytes, temperatureCelsius, powerWatts } = now ?? {};
  const memory = memoryUsedBytes === undefined ? "" : `${gibibytes(memoryUsedBytes) || "0 GiB"} of `;
  return [
    memoryBytes > 0n ? `${memory}${gibibytes(memoryBytes)}` : "",
    utilizationPercent === undefined ? "" : `${utilizationPercent.toFixed(0)} %`,
    temperatureCelsius === undefined ? "" : `${temperatureCelsius.toFixed(0)} °C`,
    powerWatts === undefined ? "" : `${powerWatts.toFixed(0)} W`,
  ];
}

const place = ({ numaNode, nics }: Gpu): string[] => [
  numaNode === undefined ? "" : `NUMA node ${numaNode}`,
  nics.length === 0 ? "" : `near ${nics.join(" and ")}`,
];

/** What it measures of itself beside that. */
export function hostLines(host: HostTelemetry | undefined): Detail[] {
  if (!host) return [];
  const { temperatureCelsius, disks, interfaces, nfsMounts } = host;
  return [
    ["Temperature", temperatureCelsius === undefined ? "" : `${temperatureCelsius.toFixed(0)} °C`],
    ...disks.map(
      ({ mountPoint, freeBytes, sizeBytes }): Detail => [
        "Disk",
        `${mountPoint}: ${gibibytes(freeBytes) || "0 GiB"} of ${gibibytes(sizeBytes)} free`,
      ],
    ),
    ...interfaces.map(({ name, receivedBytesPerSecond, sentBytesPerSecond, errors, linkMbps }): Detail => {
      const parts = [
        linkMbps === undefined ? "" : `${Number(linkMbps) / 1_000} Gbit/s`,
        `${megabytes(receivedBytesPerSecond)} in`,
        `${megabytes(sentBytesPerSecond)} out`,
        errors === 0n ? "" : `${errors} errors since its start`,
      ];
      return ["Network", `${name}: ${parts.filter(Boolean).join(", ")}`];
    }),
    ...nfsMounts.map(({ mountPoint, operationsPerSecond, roundTripMs, executionMs, retransmissions }): Detail => {
      const used =
        executionMs === undefined
          ? "not in use"
          : `${executionMs.toFixed(1)} ms an operation, ${(roundTripMs ?? 0).toFixed(1)} ms of it the server's, ${operationsPerSecond.toFixed(0)} a second`;
      return ["NFS", `${mountPoint}: ${used}${retransmissions === 0n ? "" : `, ${retransmissions} sent again`}`];
    }),
  ];
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB/s`;
