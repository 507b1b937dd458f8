import { type Node, NodeState, NodeStateSchema } from "../../shared/gen/stoker/v1/node_pb.js";
import type { Status } from "../../shared/gen/stoker/v1/status_pb.js";
import { sparkline } from "../output/sparkline.js";
import { shortTime } from "../output/time.js";
import { suspectedText } from "../output/views/suspected.js";
import { wordOf } from "../output/words.js";
import type { Courses } from "./courses.js";

export interface Size {
  columns: number;
  rows: number;
}

/** How the lab is, in as many lines as there is room for: what is wrong first, then nodes with their GPUs, then what waits. */
export function frame(status: Status, nodes: readonly Node[], courses: Courses, { columns, rows }: Size): string[] {
  const head = [headline(status), ...troubles(status)];
  const waits = waiting(status);
  const room = Math.max(4, rows - head.length - Math.min(waits.length, Math.floor(rows / 3)) - 2);
  const body = nodes.flatMap((node) => nodeLines(node, courses));
  const shown = body.length > room ? [...body.slice(0, room - 1), `… ${body.length - room + 1} more lines`] : body;
  const lines = [...head, "", ...shown, "", ...waits];
  return lines.slice(0, rows).map((line) => clipped(line, columns));
}

function headline({ nodes, jobs }: Status): string {
  const parts = [
    nodes ? `${nodes.running} of ${nodes.total} nodes at work` : "",
    nodes && nodes.gpus > 0 ? `${nodes.gpus - nodes.gpusFree} of ${nodes.gpus} GPUs taken` : "",
    jobs ? `${jobs.running} jobs run, ${jobs.queued} wait` : "",
  ];
  return parts.filter((part) => part !== "").join("   ");
}

const troublesMax = 3;

function troubles({ readOnly, natsProblem, troubles: all }: Status): string[] {
  const lines = [
    ...(readOnly === "" ? [] : [`! nothing can be changed: ${readOnly}`]),
    ...(natsProblem === "" ? [] : [`! ${natsProblem}`]),
    ...all.slice(0, troublesMax).map(({ id, message }) => `! ${leaf(id)}: ${message}`),
  ];
  return all.length > troublesMax ? [...lines, `! ${all.length - troublesMax} more: stoker status`] : lines;
}

function nodeLines(node: Node, courses: Courses): string[] {
  const { name, state, telemetry, inventory, allocations, gpuFaults } = node;
  const jobs = allocations.map(({ jobId, suspected }) => `${leaf(jobId)}${suspectedText(suspected)}`).join(", ");
  const cpu = telemetry?.cpuPercent === undefined ? "    " : `${whole(telemetry.cpuPercent).padStart(3)}%`;
  const memory =
    telemetry?.memoryUsedBytes === undefined ? "" : ofMemory(telemetry.memoryUsedBytes, inventory?.memoryBytes);
  const word = wordOf(NodeStateSchema, state) ?? "";
  const lines = [
    `${name.padEnd(14)} ${word.padEnd(9)} CPU ${cpu}  ${memory.padEnd(14)} ${network(telemetry).padEnd(22)} ${jobs}`.trimEnd(),
  ];
  if (state === NodeState.LOST) return lines;
  for (const gpu of inventory?.gpus ?? []) {
    const now = telemetry?.gpus.find(({ uuid }) => uuid === gpu.uuid);
    const fault = gpuFaults.find(({ uuid }) => uuid === gpu.uuid);
    const cells = [
      `  GPU ${String(gpu.index).padEnd(2)}`,
      sparkline(courses.of(gpu.uuid), 100, 30).padStart(30),
      now?.utilizationPercent === undefined ? "    " : `${whole(now.utilizationPercent).padStart(3)}%`,
      (now?.memoryUsedBytes === undefined ? "" : ofMemory(now.memoryUsedBytes, gpu.memoryBytes)).padEnd(14),
      now?.temperatureCelsius === undefined ? "     " : `${whole(now.temperatureCelsius).padStart(3)}°C`,
      now?.powerWatts === undefined ? "" : `${whole(now.powerWatts).padStart(4)} W`,
      fault ? `${fault.state.toUpperCase()}: ${fault.message}` : "",
    ];
    lines.push(cells.join(" ").trimEnd());
  }
  return lines;
}

/** All interfaces together. */
function network(telemetry: Node["telemetry"]): string {
  const interfaces = telemetry?.host?.interfaces ?? [];
  if (interfaces.length === 0) return "";
  const sum = (of: (each: (typeof interfaces)[number]) => number) =>
    (interfaces.reduce((all, each) => all + of(each), 0) / 1e6).toFixed(0);
  return `in ${sum((each) => each.receivedBytesPerSecond)} out ${sum((each) => each.sentBytesPerSecond)} MB/s`;
}

function waiting({ waits }: Status): string[] {
  if (waits.length === 0) return [];
  return [
    "Waiting longest",
    ...waits.map(({ jobId, since, reason }) => `  ${leaf(jobId)} since ${shortTime(since)}: ${reason}`),
  ];
}

const leaf = (id: string) => id.slice(id.lastIndexOf("/") + 1);
const whole = (value: number) => value.toFixed(0);

function ofMemory(used: bigint, all: bigint | undefined): string {
  const gib = (bytes: bigint) => (Number(bytes) / 2 ** 30).toFixed(0);
  return all === undefined || all === 0n ? `${gib(used)} GiB` : `${gib(used)}/${gib(all)} GiB`;
}

/** What came over the network must not move the cursor. */
function clipped(line: string, columns: number): string {
  const printable = line.replace(/\p{Cc}+/gu, " ");
  return printable.length <= columns ? printable : `${printable.slice(0, Math.max(0, columns - 1))}…`;
}
