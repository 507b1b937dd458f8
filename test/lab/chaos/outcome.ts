import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { LogStream } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import { ExecutionState, type Job } from "../../../shared/gen/stoker/v1/job_pb.js";
import { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Connection, ServiceClient } from "../../../shared/grpc.js";

/** What the API says at the end. */
export interface AttemptOutcome {
  number: number;
  nodes: string[];
  state: string;
  reason: string;
  startMs: number;
  endMs: number | undefined;
  /** Of stdout, by rank. */
  logs: Map<number, LogOutcome>;
}

export interface LogOutcome {
  text: Buffer;
  /** In front of the bytes that should have followed. */
  gaps: number;
  complete: boolean;
  droppedBytes: number;
}

export interface JobOutcome {
  name: string;
  state: "succeeded" | "failed" | "unended";
  exitCode: number | undefined;
  errors: string[];
  attempts: AttemptOutcome[];
}

export async function jobOutcomes(connection: Connection, parent: string): Promise<JobOutcome[]> {
  const jobs = connection.client(JobService);
  const outcomes: JobOutcome[] = [];
  for (const name of (await listJobs(jobs, parent)).map((job) => job.name)) {
    const { job } = await jobs.getJob({ id: `${parent}/jobs/${name}` });
    if (job === undefined) continue;
    const logs = await logsOf(jobs, job);
    outcomes.push({
      name,
      state: stateOf(job),
      exitCode: job.executionInfo?.exitCode,
      errors: (job.executionInfo?.errors ?? []).map(({ code, message }) => `${code}: ${message}`),
      attempts: job.attempts.map(({ number, nodes, state, reason, startTime, endTime }) => ({
        number,
        nodes: nodes.map((node) => node.name),
        state,
        reason,
        startMs: msOf(startTime) ?? 0,
        endMs: msOf(endTime),
        logs: logs.get(number) ?? new Map(),
      })),
    });
  }
  return outcomes;
}

export async function listJobs(jobs: ServiceClient<typeof JobService>, parent: string): Promise<Job[]> {
  const all: Job[] = [];
  for (let pageToken = ""; ; ) {
    const page = await jobs.listJobs({ parent, pageToken });
    all.push(...page.jobs);
    pageToken = page.nextPageToken;
    if (pageToken === "") return all;
  }
}

export function stateOf({ executionState }: Job): JobOutcome["state"] {
  if (executionState === ExecutionState.SUCCEEDED) return "succeeded";
  return executionState === ExecutionState.FAILED ? "failed" : "unended";
}

/** `job attempt` of what nodes still have promised. */
export async function allocations(connection: Connection): Promise<string[]> {
  const { nodes } = await connection.client(NodeService).listNodes({});
  return nodes.flatMap((node) => node.allocations.map(({ jobId, attempt }) => `${node.name}: ${jobId} ${attempt}`));
}

async function logsOf(jobs: ServiceClient<typeof JobService>, job: Job): Promise<Map<number, Map<number, LogOutcome>>> {
  const attempts = new Map<number, Map<number, LogOutcome>>();
  for (const { number } of job.attempts) {
    const ranks = new Map<number, LogOutcome>();
    attempts.set(number, ranks);
    for await (const piece of jobs.streamLogs({ id: job.id, attempt: number, stream: LogStream.STDOUT })) {
      const log = ranks.get(piece.rank) ?? { text: Buffer.alloc(0), gaps: 0, complete: false, droppedBytes: 0 };
      if (piece.data.length > 0 && Number(piece.offset) !== log.text.length) log.gaps += 1;
      log.text = Buffer.concat([log.text, piece.data]);
      log.complete ||= piece.complete;
      log.droppedBytes = Math.max(log.droppedBytes, Number(piece.droppedBytes));
      ranks.set(piece.rank, log);
    }
  }
  return attempts;
}

const msOf = (time: Timestamp | undefined) =>
  time === undefined ? undefined : Number(time.seconds) * 1000 + time.nanos / 1e6;
