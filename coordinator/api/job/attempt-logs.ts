import type { MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "../../../shared/fault.js";
import { LogStream } from "../../../shared/gen/stoker/v1/agent_service_pb.js";
import type { StreamLogsResponseSchema } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import { type JobId, nodeId } from "../../../shared/ids.js";
import { attemptsOf } from "../../core/queries.js";
import type { ApiPorts, AttemptRow, LogStreamAddress } from "../ports.js";
import { waitingOn } from "../views/attempt-logs.js";

export interface Selection {
  /** Undefined: every rank. */
  rank: number | undefined;
  streams: ReadonlyArray<"stdout" | "stderr">;
  /** Bytes to leave out at the start of each stream. */
  offset: number;
}

type Message = MessageInitShape<typeof StreamLogsResponseSchema>;

interface Told {
  address: LogStreamAddress;
  /** Position of the next byte to tell. */
  next: number;
  /** It was said that the rest is missing, and none of it has come since. */
  saidIncomplete: boolean;
}

export const streamKey = ({ attempt, rank, stream }: LogStreamAddress) => `${attempt} ${rank} ${stream}`;

const nobody = nodeId("");

const wire = { stdout: LogStream.STDOUT, stderr: LogStream.STDERR };

/** What one caller was told of the selected streams of one attempt. */
export class AttemptLogs {
  /** Streams that are not told to their end. */
  private readonly open = new Map<string, Told>();
  private exits: AttemptRow["exits"] | undefined;
  private begun = false;
  /** As it was at the last look. */
  private row: AttemptRow | undefined;

  constructor(
    private readonly ports: ApiPorts,
    private readonly job: JobId,
    private readonly attempt: number,
    selection: Selection,
  ) {
    const rankCount = this.look()?.rankCount ?? 0;
    if (selection.rank !== undefined && selection.rank >= rankCount) {
      throw new Fault("not-found", `there is no rank ${selection.rank}; attempt ${attempt} has ${rankCount}`);
    }
    const ranks =
      selection.rank === undefined ? Array.from({ length: rankCount }, (_, rank) => rank) : [selection.rank];
    for (const rank of ranks) {
      for (const stream of selection.streams) {
        const address = { jobUuid: job, attempt, rank, stream };
        this.open.set(streamKey(address), { address, next: selection.offset, saidIncomplete: false });
      }
    }
  }

  /** Tells what is new in these streams, and in all the first time. Returns whether there was anything. */
  async *tell(grown: ReadonlySet<string>): AsyncGenerator<Message, boolean> {
    const exits = this.look()?.exits;
    const every = !this.begun || exits !== this.exits;
    this.begun = true;
    this.exits = exits;
    let told = false;
    for (const key of every ? [...this.open.keys()] : grown) {
      const stream = this.open.get(key);
      if (!stream) continue;
      for await (const message of this.tellStream(key, stream)) {
        told = true;
        yield message;
      }
    }
    return told;
  }

  /** `but-bytes`: everything has ended, and bytes that ranks wrote are still on their way here. */
  over(): "no" | "but-bytes" | "all" {
    const row = this.look();
    if (row && row.endedAt === undefined) return "no";
    const awaited = [...this.open.values()].some((stream) => this.finalLength(stream.address) !== undefined);
    return awaited ? "but-bytes" : "all";
  }

  private async *tellStream(key: string, stream: Told): AsyncGenerator<Message> {
    const { address } = stream;
    const head = { attempt: address.attempt, rank: address.rank, stream: wire[address.stream] };
    for await (const { offset, data } of this.ports.logs.read(address, stream.next)) {
      stream.next = offset + data.length;
      stream.saidIncomplete = false;
      const complete = this.isComplete(stream);
      if (complete) this.open.delete(key);
      yield { ...head, offset: BigInt(offset), data, complete, ...(complete ? this.totals(address) : {}) };
    }
    if (this.open.has(key) && this.isComplete(stream)) {
      this.open.delete(key);
      yield { ...head, offset: BigInt(stream.next), complete: true, ...this.totals(address) };
    }
  }

  /** For each stream that is not told to its end: what is known of the rest. Once, until more of it comes. */
  *tellIncomplete(): Generator<Message> {
    for (const told of this.open.values()) {
      const { address, next } = told;
      // A rank that nobody saw end may never have begun.
      const mayLack = this.exitOf(address.rank) !== undefined || next > 0 || this.row?.state === "lost";
      if (told.saidIncomplete || !mayLack) continue;
      told.saidIncomplete = true;
      const head = { attempt: address.attempt, rank: address.rank, stream: wire[address.stream] };
      yield {
        ...{ ...head, offset: BigInt(next), incomplete: true, message: this.whereabouts(address) },
        ...this.totals(address),
      };
    }
  }

  /** A node says that it has bytes which it can't deliver: they will come. */
  arriving(): boolean {
    const { nodes } = this.ports.state();
    return [...this.open.values()].some(({ address }) => {
      const node = nodes.get(this.exitOf(address.rank)?.node ?? nobody);
      return node !== undefined && !node.lost && this.ports.telemetry(node.name)?.logsWaiting !== undefined;
    });
  }

  private whereabouts({ rank }: LogStreamAddress): string {
    const exit = this.exitOf(rank);
    if (exit) return `the rest waits ${waitingOn(this.ports, exit.node)}`;
    const names = this.row?.nodes.map(({ name }) => name).join(", ") ?? "";
    return `nobody saw rank ${rank} end, so nobody knows whether this is all; the attempt was on ${names}`;
  }

  private totals({ rank, stream }: LogStreamAddress) {
    const exit = this.exitOf(rank);
    const expected = (stream === "stdout" ? exit?.stdoutBytes : exit?.stderrBytes) ?? 0;
    const dropped = (stream === "stdout" ? exit?.stdoutDroppedBytes : exit?.stderrDroppedBytes) ?? 0;
    return { expectedBytes: BigInt(expected), droppedBytes: BigInt(dropped) };
  }

  private exitOf(rank: number) {
    return this.row?.exits.find((each) => each.rank === rank);
  }

  private isComplete(stream: Told): boolean {
    const length = this.finalLength(stream.address);
    return length !== undefined && stream.next >= length;
  }

  /** Undefined while the rank lives, and for one whose end nobody saw. */
  private finalLength({ rank, stream }: LogStreamAddress): number | undefined {
    const exit = this.exitOf(rank);
    return stream === "stdout" ? exit?.stdoutBytes : exit?.stderrBytes;
  }

  private look(): AttemptRow | undefined {
    const state = this.ports.state();
    const job = state.jobs.get(this.job);
    this.row = job && attemptsOf(state, job).find(({ number }) => number === this.attempt);
    return this.row;
  }
}
