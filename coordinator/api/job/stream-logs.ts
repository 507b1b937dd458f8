import { Fault } from "../../../shared/fault.js";
import { LogStream } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { JobService, StreamLogsRequest } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import type { CallContext, Handlers } from "../../../shared/grpc.js";
import type { JobId } from "../../../shared/ids.js";
import { findJob } from "../../core/names.js";
import type { OpenStreams } from "../open-streams.js";
import type { ApiPorts, JobRow } from "../ports.js";
import { Wakeup } from "../wakeup.js";
import { AttemptLogs, type Selection, streamKey } from "./attempt-logs.js";

/** Bytes that have not come for so long, after everything else about the attempt is known, are said to be missing. */
const unheardMs = 5_000;
/** Then they are waited for no longer, unless their node says that it has them and keeps trying. */
const stragglerMs = 30_000;

export function streamLogs(ports: ApiPorts, open: OpenStreams): Handlers<typeof JobService>["streamLogs"] {
  return (request, context) => {
    const job = findJob(ports.state(), request.id);
    return stream(ports, open, job.uuid, selectionOf(request, job), request, context);
  };
}

function selectionOf(request: StreamLogsRequest, job: JobRow): Selection {
  const { attempt, rank, offset } = request;
  if (attempt < 0) throw new Fault("invalid-argument", `attempt is ${attempt}; the first is 1, and 0 means the latest`);
  if (attempt > job.attempt && !request.follow) {
    throw new Fault("not-found", `there is no attempt ${attempt}; the job has had ${job.attempt}`);
  }
  if (rank !== undefined && rank < 0) throw new Fault("invalid-argument", `rank is ${rank}; the first is 0`);
  if (offset < 0n) throw new Fault("invalid-argument", "offset is negative");
  const streams = streamsOf(request.stream);
  if (offset > 0n && (attempt === 0 || rank === undefined || streams.length > 1)) {
    throw new Fault("invalid-argument", "offset needs attempt, rank and stream");
  }
  return { rank, streams, offset: Number(offset) };
}

function streamsOf(stream: LogStream): Array<"stdout" | "stderr"> {
  switch (stream) {
    case LogStream.UNSPECIFIED:
      return ["stdout", "stderr"];
    case LogStream.STDOUT:
      return ["stdout"];
    case LogStream.STDERR:
      return ["stderr"];
    default:
      throw new Fault("invalid-argument", "stream is neither stdout nor stderr");
  }
}

async function* stream(
  ports: ApiPorts,
  open: OpenStreams,
  uuid: JobId,
  selection: Selection,
  { attempt: asked, follow }: StreamLogsRequest,
  { signal, peer }: CallContext,
) {
  using _ = open.hold(peer);
  const news = new Wakeup();
  const growth = new Set<string>();
  const stops = [
    ports.feed.listen(uuid, () => news.wake()),
    ports.logs.listen(uuid, (address) => {
      growth.add(streamKey(address));
      news.wake();
    }),
  ];
  try {
    let number = asked || Math.max(1, ports.state().jobs.get(uuid)?.attempt ?? 0);
    let logs: AttemptLogs | undefined;
    let quietSince: number | undefined;
    while (!signal.aborted) {
      const job = ports.state().jobs.get(uuid);
      if (!job) return;
      if (!logs && job.attempt >= number) logs = new AttemptLogs(ports, uuid, number, selection);
      const grown = logs ? yield* logs.tell(takeAll(growth)) : false;
      const left = logs?.over() ?? "no";
      if (left !== "but-bytes") quietSince = undefined;
      else if (grown || quietSince === undefined) quietSince = ports.now();
      const quietMs = quietSince === undefined ? 0 : ports.now() - quietSince;
      const over = left === "all" || (quietMs >= stragglerMs && logs?.arriving() !== true);
      if (over || quietMs >= unheardMs || (!follow && left !== "no")) yield* logs?.tellIncomplete() ?? [];
      if (!follow) return;
      if (over && asked === 0 && job.attempt > number) {
        number += 1;
        logs = undefined;
        quietSince = undefined;
      } else if ((over && asked !== 0) || (job.state.kind === "finished" && (over || !logs))) {
        return;
      } else {
        const nextMs = quietMs < unheardMs ? unheardMs - quietMs : Math.max(unheardMs, stragglerMs - quietMs);
        await news.wait(signal, quietSince === undefined ? undefined : Math.max(1, nextMs));
      }
    }
  } finally {
    for (const stop of stops) stop();
  }
}

function takeAll(growth: Set<string>): Set<string> {
  const taken = new Set(growth);
  growth.clear();
  return taken;
}
