import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { AttemptLogsSchema } from "../../../shared/gen/stoker/v1/job_pb.js";
import type { JobId, NodeId } from "../../../shared/ids.js";
import { attemptsOf } from "../../core/queries.js";
import type { ApiPorts, AttemptRow, JobRow } from "../ports.js";

/** Each length is a look at a file: a job of very many ranks is told without those of its oldest attempts. */
const looksMax = 4_000;

type View = MessageInitShape<typeof AttemptLogsSchema>;
type StreamName = "stdout" | "stderr";

/** How much of each attempt's logs is safe here, by the attempt's number. */
export function logsOfAttempts(ports: ApiPorts, job: JobRow): Map<number, View> {
  const views = new Map<number, View>();
  let looks = 0;
  for (const attempt of [...attemptsOf(ports.state(), job)].reverse()) {
    looks += 2 * attempt.rankCount;
    if (looks > looksMax) break;
    views.set(attempt.number, logsOf(ports, job.uuid, attempt));
  }
  return views;
}

function logsOf(ports: ApiPorts, jobUuid: JobId, attempt: AttemptRow): View {
  const exits = new Map(attempt.exits.map((exit) => [exit.rank, exit]));
  let [stored, expected, dropped] = [0, 0, 0];
  const awaited = new Set<NodeId>();
  for (let rank = 0; rank < attempt.rankCount; rank += 1) {
    const exit = exits.get(rank);
    for (const stream of ["stdout", "stderr"] as const) {
      const here = ports.logs.safeLength({ jobUuid, attempt: attempt.number, rank, stream });
      const end = exit?.[bytesOf[stream]];
      stored += here;
      expected += end ?? 0;
      dropped += exit?.[droppedOf[stream]] ?? 0;
      if (exit && end !== undefined && here < end) awaited.add(exit.node);
    }
  }
  const over = attempt.endedAt !== undefined;
  const numbers = { storedBytes: BigInt(stored), expectedBytes: BigInt(expected), droppedBytes: BigInt(dropped) };
  const complete = awaited.size === 0 && exits.size === attempt.rankCount;
  const message = over && awaited.size > 0 ? missing(ports, awaited, expected - stored) : "";
  return { ...numbers, complete, message };
}

const bytesOf = { stdout: "stdoutBytes", stderr: "stderrBytes" } as const satisfies Record<StreamName, string>;
const droppedOf = { stdout: "stdoutDroppedBytes", stderr: "stderrDroppedBytes" } as const;

function missing(ports: ApiPorts, nodes: ReadonlySet<NodeId>, bytes: number): string {
  const where = [...nodes].map((node) => waitingOn(ports, node)).join("; ");
  return `${bytes} bytes are not here yet; they wait ${where}`;
}

/** In words, where bytes of logs are that have not come from that node. */
export function waitingOn(ports: ApiPorts, uuid: NodeId): string {
  const node = ports.state().nodes.get(uuid);
  if (!node) return "on a node that was deleted";
  if (node.lost) return `on node ${node.name}, which is lost since ${new Date(node.lost.since).toISOString()}`;
  const waiting = ports.telemetry(node.name)?.logsWaiting;
  if (!waiting) return `on node ${node.name}`;
  const since = waiting.since ? ` since ${timestampDate(waiting.since).toISOString()}` : "";
  return `in the spool of node ${node.name}${since}: ${waiting.reason}`;
}
