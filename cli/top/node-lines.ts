import {
  type Gpu,
  type GpuTelemetry,
  type Node,
  NodeState,
  NodeStateSchema,
} from "../../shared/gen/stoker/v1/node_pb.js";
import { sparkline } from "../output/sparkline.js";
import { nameOfGpu } from "../output/views/gpu-name.js";
import { suspectedText } from "../output/views/suspected.js";
import { wordOf } from "../output/words.js";
import type { Courses } from "./courses.js";

/** From so many columns on there is room for everything. */
const wideColumns = 110;

const isWide = (columns: number) => columns >= wideColumns;

/** A node, and a line for each of its GPUs. */
export function nodeLines(node: Node, courses: Courses, columns: number): string[] {
  const { state, telemetry, inventory, gpuFaults } = node;
  const traffic = isWide(columns) ? `${network(telemetry).padEnd(22)} ` : "";
  const lines = [`${headOf(node)} ${traffic}${jobsOf(node)}`.trimEnd()];
  if (state === NodeState.LOST) return lines;
  const gpus = inventory?.gpus ?? [];
  const width = isWide(columns) ? 30 : 12;
  for (const gpu of gpus) {
    const now = telemetry?.gpus.find(({ uuid }) => uuid === gpu.uuid);
    const fault = gpuFaults.find(({ uuid }) => uuid === gpu.uuid);
    const cells = [
      `  GPU ${nameOfGpu(gpu, gpus).padEnd(3)}`,
      sparkline(courses.of(gpu.uuid), 100, width).padStart(width),
      now?.utilizationPercent === undefined ? "    " : percent(now.utilizationPercent),
      memoryOf(now?.memoryUsedBytes, gpu.memoryBytes).padEnd(isWide(columns) ? 14 : 11),
      now?.temperatureCelsius === undefined ? "     " : `${whole(now.temperatureCelsius).padStart(3)}°C`,
      now?.powerWatts === undefined ? "" : `${whole(now.powerWatts).padStart(4)} W`,
      fault ? `${fault.state.toUpperCase()}: ${fault.message}` : "",
    ];
    lines.push(cells.join(" ").trimEnd());
  }
  return lines;
}

/** All of a node in one line: a block for each GPU, as high as it is busy, or as full where nobody knows how busy. */
export function nodeLine(node: Node): string {
  const { state, telemetry, inventory, gpuFaults } = node;
  if (state === NodeState.LOST) return `${headOf(node)} ${jobsOf(node)}`.trimEnd();
  const now = new Map<string, GpuTelemetry>(telemetry?.gpus.map((gpu) => [gpu.uuid, gpu]));
  const gpus = inventory?.gpus ?? [];
  const bars = gpus.map((gpu) => sparkline([shareOf(gpu, now.get(gpu.uuid))], 1, 1)).join("");
  const fault = gpuFaults[0];
  const more = gpuFaults.length > 1 ? ` and ${gpuFaults.length - 1} more` : "";
  const trouble = fault ? `${fault.state.toUpperCase()}${more}: ${fault.message}` : "";
  return [headOf(node), bars.padEnd(8), jobsOf(node), trouble].join(" ").trimEnd();
}

function shareOf({ memoryBytes }: Gpu, now: GpuTelemetry | undefined): number {
  if (now?.utilizationPercent !== undefined) return now.utilizationPercent / 100;
  const isKnown = now?.memoryUsedBytes !== undefined && memoryBytes > 0n;
  return isKnown ? Number(now.memoryUsedBytes) / Number(memoryBytes) : Number.NaN;
}

function headOf({ name, state, telemetry, inventory }: Node): string {
  const cpu = telemetry?.cpuPercent === undefined ? "    " : percent(telemetry.cpuPercent);
  const memory = memoryOf(telemetry?.memoryUsedBytes, inventory?.memoryBytes);
  return `${name.padEnd(14)} ${(wordOf(NodeStateSchema, state) ?? "").padEnd(9)} CPU ${cpu}  ${memory.padEnd(14)}`;
}

const jobsOf = ({ allocations }: Node) =>
  allocations.map(({ jobId, suspected }) => `${leafOf(jobId)}${suspectedText(suspected)}`).join(", ");

/** All interfaces together. */
function network(telemetry: Node["telemetry"]): string {
  const interfaces = telemetry?.host?.interfaces ?? [];
  if (interfaces.length === 0) return "";
  const sum = (of: (each: (typeof interfaces)[number]) => number) =>
    (interfaces.reduce((all, each) => all + of(each), 0) / 1e6).toFixed(0);
  return `in ${sum((each) => each.receivedBytesPerSecond)} out ${sum((each) => each.sentBytesPerSecond)} MB/s`;
}

export const leafOf = (id: string) => id.slice(id.lastIndexOf("/") + 1);
const whole = (value: number) => value.toFixed(0);
const percent = (value: number) => `${whole(value).padStart(3)}%`;

function memoryOf(used: bigint | undefined, all: bigint | undefined): string {
  if (used === undefined) return "";
  const gib = (bytes: bigint) => (Number(bytes) / 2 ** 30).toFixed(0);
  return all === undefined || all === 0n ? `${gib(used)} GiB` : `${gib(used)}/${gib(all)} GiB`;
}
