import type { Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import type { State } from "../core/memory.js";
import type { Instant } from "../core/state.js";

/** What the coordinator's metrics are read from, when somebody asks. */
export interface CoordinatorView {
  readonly engine: {
    readonly state: State;
    readonly readOnly: string | undefined;
    /** Events that wait. */
    readonly backlog: number;
    now(): Instant;
  };
  readonly sessions: {
    /** The latest sample of the node. */
    telemetry(node: string): Telemetry | undefined;
    /** A stream speaks for it. */
    reaches(node: string): boolean;
  };
  readonly room: { readonly low: string | undefined };
  readonly nats: { readonly problem: string | undefined };
  /** Of events to those who subscribed, since it started. */
  readonly deliveries: {
    readonly waiting: number;
    readonly delivered: number;
    /** Tries that failed. */
    readonly failures: number;
    readonly givenUp: number;
  };
  /** Of logs, that were written down since it started. */
  readonly logBytes: number;
}
