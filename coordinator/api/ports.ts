import type { Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import type { JobId } from "../../shared/ids.js";
import type { ApiEvent } from "../core/events.js";
import type { State } from "../core/memory.js";
import type { Attempt as AttemptRow, Job as JobRow } from "../core/state.js";

/** What the RPCs need of the rest of the coordinator. */
export interface ApiPorts {
  /** Valid until the next await. */
  state(): State;
  /** Wall clock of the engine, in milliseconds. */
  now(): number;
  /** Why nothing can be changed at present, as when the disk is full; undefined when it can. */
  readOnly(): string | undefined;
  /** Resolves with the UUID of what the event was about, once it is on disk. */
  ask(event: ApiEvent): Promise<string | undefined>;
  /** A value that can be opened only where it is sent to an agent, and only as this secret's. */
  seal(key: string, value: string): string;
  telemetry(node: string): Telemetry | undefined;
  feed: JobFeed;
  logs: LogSource;
}

export interface JobFeed {
  /** Calls the listener after each change of the job (its row, attempts or place), and when it is deleted. */
  listen(job: JobId, listener: () => void): () => void;
  /** Calls the listener once, soon, after others that were there before; not when it has stopped listening by then. */
  tell(listener: () => void): void;
}

export interface LogStreamAddress {
  jobUuid: string;
  attempt: number;
  rank: number;
  stream: "stdout" | "stderr";
}

export interface LogSource {
  /** Bytes that would survive a power cut. */
  safeLength(address: LogStreamAddress): number;
  read(address: LogStreamAddress, offset: number): AsyncIterable<{ offset: number; data: Uint8Array }>;
  /** Calls the listener at each growth of any stream of the job. */
  listen(jobUuid: string, listener: (address: LogStreamAddress, length: number) => void): () => void;
}

export type { AttemptRow, JobRow };
