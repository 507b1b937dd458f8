import { StringDecoder } from "node:string_decoder";
import { LogStream } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Job } from "../../shared/gen/stoker/v1/job_pb.js";
import { ExecutionStateSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { toJson } from "../output/json.js";
import { table } from "../output/table.js";
import { wordOf } from "../output/words.js";
import type { Session } from "../session.js";
import type { Metric } from "./metric.js";

export interface Result {
  job: Job;
  metric: number | undefined;
}

/** Jobs asked for their output at a time. */
const together = 8;

/** With the metric of each job that has begun. */
export async function resultsOf(session: Session, jobs: readonly Job[], metric: Metric | undefined): Promise<Result[]> {
  const results: Result[] = jobs.map((job) => ({ job, metric: undefined }));
  if (!metric) return results;
  const left = results.filter(({ job }) => job.attempt > 0);
  await Promise.all(
    Array.from({ length: together }, async () => {
      for (let next = left.shift(); next; next = left.shift()) next.metric = await metricOf(session, next.job, metric);
    }),
  );
  return results;
}

async function metricOf(session: Session, job: Job, metric: Metric): Promise<number | undefined> {
  const rests = new Map<number, { text: string; decoder: StringDecoder }>();
  let last: number | undefined;
  const request = { id: job.id, attempt: job.attempt, stream: LogStream.STDOUT, follow: false };
  for await (const { rank, data } of session.jobs.streamLogs(request, {})) {
    const rest = rests.get(rank) ?? { text: "", decoder: new StringDecoder("utf8") };
    rests.set(rank, rest);
    const lines = (rest.text + rest.decoder.write(Buffer.from(data))).split("\n");
    // A line without an end, such as a progress bar's, is looked at in pieces.
    rest.text = (lines.pop() ?? "").slice(-lineMax);
    for (const line of lines) last = metric.in(line) ?? last;
  }
  for (const { text } of rests.values()) last = metric.in(text) ?? last;
  return last;
}

const lineMax = 64 * 1024;

/** Best first; those without a metric last, in the order of the sweep. */
export function ranked(results: readonly Result[], lowest: boolean): Result[] {
  const worth = ({ metric }: Result) => (metric === undefined ? Number.POSITIVE_INFINITY : lowest ? metric : -metric);
  return [...results].sort((a, b) => {
    const [one, other] = [worth(a), worth(b)];
    return one === other ? 0 : one - other;
  });
}

export function resultsTable(results: readonly Result[], metric: Metric | undefined): string {
  const names = [...new Set(results.flatMap(({ job }) => Object.keys(job.spec?.sweep?.parameters ?? {})))];
  const headers = ["Job", ...names, "State", "Exit code", ...(metric ? [metric.name] : [])];
  const rows = results.map(({ job, metric: value }) => [
    job.name,
    ...names.map((name) => job.spec?.sweep?.parameters[name] ?? ""),
    stateOf(job),
    job.executionInfo?.exitCode === undefined ? "" : String(job.executionInfo.exitCode),
    ...(metric ? [value === undefined ? "" : String(value)] : []),
  ]);
  return table(headers, rows);
}

export const resultsJson = (results: readonly Result[]): string =>
  toJson(
    results.map(({ job, metric }) => ({
      id: job.id,
      name: job.name,
      index: job.spec?.sweep?.index ?? 0,
      parameters: job.spec?.sweep?.parameters ?? {},
      state: stateOf(job),
      ...(job.executionInfo?.exitCode === undefined ? {} : { exitCode: job.executionInfo.exitCode }),
      ...(metric === undefined ? {} : { metric }),
    })),
  );

const stateOf = (job: Job) => wordOf(ExecutionStateSchema, job.executionState) ?? "";
