import { type Node, NodeState } from "../../shared/gen/stoker/v1/node_pb.js";
import type { Status } from "../../shared/gen/stoker/v1/status_pb.js";
import { shortTime } from "../output/time.js";
import type { Courses } from "./courses.js";
import { leafOf, nodeLine, nodeLines } from "./node-lines.js";

export interface Size {
  columns: number;
  rows: number;
}

/** Which part of the nodes is looked at. */
export interface Looking {
  /** Lines that are passed over. */
  from: number;
  /** A line for each node; undefined: where there is no room for more. */
  short?: boolean;
}

export interface Frame {
  lines: string[];
  /** Where it begins, what a page of it is, and whether each node has one line. */
  from: number;
  page: number;
  short: boolean;
}

/** How the lab is, in as many lines as there is room for: what is wrong first, then nodes with their GPUs, then what waits. */
export function frame(
  status: Status,
  nodes: readonly Node[],
  courses: Courses,
  { columns, rows }: Size,
  { from, short }: Looking = { from: 0 },
): Frame {
  const head = [headline(status), ...troubles(status)];
  const waits = waiting(status);
  const room = Math.max(4, rows - head.length - Math.min(waits.length, Math.floor(rows / 3)) - 2);
  const wanted = nodes.reduce((sum, { inventory }) => sum + 1 + (inventory?.gpus.length ?? 0), 0);
  const isShort = short ?? wanted > room;
  const body = isShort ? byUrgency(nodes).map(nodeLine) : nodes.flatMap((node) => nodeLines(node, courses, columns));
  const { lines: shown, ...window } = windowOf(body, room, from);
  const lines = [...head, "", ...shown, "", ...waits];
  return { ...window, short: isShort, lines: lines.slice(0, rows).map((line) => clipped(line, columns)) };
}

const names = new Intl.Collator("en", { numeric: true });

/** Those that somebody should look at first, then those at work. */
function byUrgency(nodes: readonly Node[]): Node[] {
  const placed = nodes.map((node) => ({ node, place: placeOf(node) }));
  return placed.sort((a, b) => a.place - b.place || names.compare(a.node.name, b.node.name)).map(({ node }) => node);
}

function placeOf({ state, gpuFaults, allocations }: Node): number {
  const isOut = state === NodeState.LOST || state === NodeState.UNUSABLE;
  if (isOut || gpuFaults.some(({ state: gpu }) => gpu === "failed" || gpu === "draining")) return 0;
  return allocations.length > 0 ? 1 : 2;
}

function windowOf(body: readonly string[], room: number, from: number): Omit<Frame, "short"> {
  if (body.length <= room) return { lines: [...body], from: 0, page: room };
  const page = room - 1;
  const first = Math.min(from, body.length - page);
  const above = first > 0 ? `${first} above` : "";
  const below = first + page < body.length ? `${body.length - first - page} below` : "";
  const rest = `… lines: ${[above, below].filter(Boolean).join(", ")}   ↑ ↓ PgUp PgDn move, d shows more or less`;
  return { lines: [...body.slice(first, first + page), rest], from: first, page };
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
    ...all.slice(0, troublesMax).map(({ id, message }) => `! ${leafOf(id)}: ${message}`),
  ];
  return all.length > troublesMax ? [...lines, `! ${all.length - troublesMax} more: stoker status`] : lines;
}

function waiting({ waits }: Status): string[] {
  if (waits.length === 0) return [];
  return [
    "Waiting longest",
    ...waits.map(({ jobId, since, reason }) => `  ${leafOf(jobId)} since ${shortTime(since)}: ${reason}`),
  ];
}

/** What came over the network must not move the cursor. */
export function clipped(line: string, columns: number): string {
  const printable = line.replace(/\p{Cc}+/gu, " ");
  return printable.length <= columns ? printable : `${printable.slice(0, Math.max(0, columns - 1))}…`;
}
