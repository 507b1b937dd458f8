import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RelayRequestSchema, RelayResponse } from "../shared/gen/stoker/v1/agent_service_pb.js";
import type { DoctorPlan } from "../shared/gen/stoker/v1/doctor_pb.js";
import type { ExecPlan, FileListPlan, FileReadPlan, ForwardPlan } from "../shared/gen/stoker/v1/relay_pb.js";
import type { LeaseId } from "../shared/ids.js";
import type { Confine } from "./ports.js";

/** One message towards the user, as protobuf-es takes it. */
export type ToUser = Exclude<MessageInitShape<typeof RelayRequestSchema>["message"], undefined>;
export type FromUser = RelayResponse["message"];

/** One user, for one purpose. */
export interface RelayChannel {
  /** Read it no faster than it can be worked off: the user is held back meanwhile. */
  readonly received: AsyncIterable<FromUser>;
  /** Resolves when more can be taken; also when the user is gone, which `signal` tells. */
  send(message: ToUser): Promise<void>;
  /** Aborted when the user is gone, or the agent stops. */
  readonly signal: AbortSignal;
}

/** What a relay can be for. Each resolves when all is said, and rejects with a Fault that the user is told. */
export interface RelayWork {
  exec(plan: ExecPlan, channel: RelayChannel): Promise<void>;
  forward(plan: ForwardPlan, channel: RelayChannel): Promise<void>;
  listFiles(plan: FileListPlan, channel: RelayChannel): Promise<void>;
  readFile(plan: FileReadPlan, channel: RelayChannel): Promise<void>;
  doctor(plan: DoctorPlan, channel: RelayChannel): Promise<void>;
}

/** What a user's process is started with. */
export interface ExecPlace {
  environment: Record<string, string>;
  cwd: string;
  /** The words that become these there: of a job in a container, inside of it. */
  within(argv: string[]): string[];
  /** The lease's, or "" for what belongs to none. */
  fence: string;
  /** Undefined: as the agent itself. */
  confine?: Confine | undefined;
}

/** Given to pty/ by agent.ts. */
export interface ExecHost {
  shimPath: string;
  /** Throws a Fault for a lease whose ranks do not run here. Undefined: the node's own. */
  place(lease: LeaseId | undefined): ExecPlace;
}
