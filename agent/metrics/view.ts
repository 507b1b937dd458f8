import type { Gpu, Telemetry } from "../../shared/gen/stoker/v1/node_pb.js";
import type { LeaseRun } from "../core/lease-state.js";
import type { GpuFault } from "../health-ports.js";
import type { LogsWaiting } from "../ports.js";

/** What the agent's metrics are read from, when somebody asks. */
export interface AgentView {
  readonly leases: Iterable<LeaseRun>;
  /** A session with the coordinator stands. */
  readonly isConnected: boolean;
  /** Problems in words; "" where all is well. */
  readonly watchdogProblem: string;
  readonly mountsProblem: string;
  readonly gpusProblem: string;
  readonly diskLow: string | undefined;
  readonly logsWaiting: LogsWaiting | undefined;
  readonly gpus: readonly Gpu[];
  readonly gpuFaults: readonly GpuFault[];
  readonly telemetry: Telemetry | undefined;
  readonly smiRuns: Readonly<
    Record<string, { readonly count: number; readonly seconds: number; readonly failures: ReadonlyMap<string, number> }>
  >;
  /** What the kernel said of what may matter here, by kind. */
  readonly kernelMessages: ReadonlyMap<string, number>;
}

/** What costs more than a look. */
export interface Disk {
  readonly freeBytes: number | undefined;
  readonly spoolBytes: number;
}
