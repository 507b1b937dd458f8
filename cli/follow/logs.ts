import type { MessageInitShape } from "@bufbuild/protobuf";
import type { LogStream } from "../../shared/gen/stoker/v1/agent_service_pb.js";
import type { Job } from "../../shared/gen/stoker/v1/job_pb.js";
import type { StreamLogsRequestSchema, StreamLogsResponse } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { present, type Session } from "../session.js";
import { hasEnded } from "./job-end.js";
import type { Line } from "./line.js";

export interface LogQuery {
  id: string;
  /** 0: the latest, and when following those after it. */
  attempt: number;
  rank?: number | undefined;
  /** 0: both. */
  stream: LogStream;
  /** Only with attempt, rank and stream. */
  offset: bigint;
  follow: boolean;
}

export interface Chunk {
  attempt: number;
  rank: number;
  stream: LogStream;
  data: Uint8Array;
  /** No byte of this rank's stream comes after these. */
  complete: boolean;
  /** Nothing more of this stream has come for a while: how much is here, and where the rest is. */
  missing?: string;
}

type Request = Exclude<MessageInitShape<typeof StreamLogsRequestSchema>, { $typeName: string }>;

/** Reads a job's log once through, over restarts of the coordinator: no byte is told twice, none is left out. */
export class LogReader {
  /** Position of the next byte, by attempt, rank and stream. */
  readonly #positions = new Map<string, bigint>();
  readonly #complete = new Set<string>();
  /** Of which the coordinator has said that the rest does not come now. */
  readonly #incomplete = new Set<string>();
  #latest = 0;

  constructor(
    private readonly session: Session,
    private readonly line: Line,
    private readonly query: LogQuery,
  ) {}

  async *read(signal: AbortSignal): AsyncGenerator<Chunk> {
    const { session, line, query } = this;
    while (!signal.aborted) {
      let failure: unknown;
      try {
        const before = await this.#job();
        for (const request of this.#requests(before)) {
          for await (const response of session.jobs.streamLogs(request, { signal })) {
            await line.up();
            const chunk = this.#take(response);
            if (chunk) yield chunk;
          }
        }
        // Opened after the end, it has told everything; else its closing may be the coordinator's, not the job's.
        if (!query.follow || this.#isOver(before)) return;
        if (!signal.aborted && this.#isOver(await this.#job())) {
          if (this.#isComplete()) return;
          continue;
        }
      } catch (error) {
        failure = error;
      }
      if (!signal.aborted) await line.down(failure, signal);
    }
  }

  async #job(): Promise<Job> {
    const { job } = await this.session.jobs.getJob({ id: this.query.id }, this.session.limits);
    await this.line.up();
    return present(job, "job");
  }

  #isOver(job: Job): boolean {
    const attempt = job.attempts.find(({ number }) => number === this.query.attempt);
    return hasEnded(job) || attempt?.endTime !== undefined;
  }

  #isComplete(): boolean {
    const streams = [...this.#positions.keys()].filter((key) => key.startsWith(`${this.#latest}/`));
    return streams.length > 0 && streams.every((key) => this.#complete.has(key) || this.#incomplete.has(key));
  }

  /** What to ask for: after an outage the rest of the attempt that was being read comes first, then those that followed. */
  #requests(job: Job): Request[] {
    const { id, attempt, rank, stream, offset, follow } = this.query;
    const base: Request = { id, stream, ...(rank === undefined ? {} : { rank }) };
    if (attempt !== 0) {
      const known =
        rank === undefined || stream === 0 ? undefined : this.#positions.get(keyOf({ attempt, rank, stream }));
      return [{ ...base, attempt, offset: known ?? offset, follow }];
    }
    const missed = this.#latest === 0 ? 0 : Math.max(0, job.attempt - this.#latest);
    const earlier = Array.from({ length: missed }, (_, index) => ({ ...base, attempt: this.#latest + index }));
    return [...earlier, { ...base, attempt: 0, follow }];
  }

  #missing(key: string, response: StreamLogsResponse): Chunk | undefined {
    if (this.#incomplete.has(key)) return undefined;
    this.#incomplete.add(key);
    const { attempt, rank, stream } = response;
    return { attempt, rank, stream, data: new Uint8Array(), complete: false, missing: missingText(response) };
  }

  #take(response: StreamLogsResponse): Chunk | undefined {
    const { attempt, rank, stream, offset, data, complete } = response;
    const key = keyOf(response);
    this.#latest = Math.max(this.#latest, attempt);
    const position = this.#positions.get(key) ?? this.query.offset;
    const end = offset + BigInt(data.length);
    const known = position > offset ? Number(position - offset) : 0;
    this.#positions.set(key, end > position ? end : position);
    const isNewlyComplete = complete && !this.#complete.has(key);
    if (complete) this.#complete.add(key);
    if (data.length > 0 || complete) this.#incomplete.delete(key);
    if (response.incomplete) return this.#missing(key, response);
    if (known >= data.length && !isNewlyComplete) return undefined;
    return { attempt, rank, stream, data: data.subarray(Math.min(known, data.length)), complete };
  }
}

function missingText({ offset, expectedBytes, message }: StreamLogsResponse): string {
  const here = expectedBytes > 0n ? `${offset} of ${expectedBytes} bytes are here` : `${offset} bytes are here`;
  return `${here}: ${message}`;
}

const keyOf = ({ attempt, rank, stream }: { attempt: number; rank: number; stream: LogStream }) =>
  `${attempt}/${rank}/${stream}`;
