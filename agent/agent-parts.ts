import type { Gpu } from "../shared/gen/stoker/v1/node_pb.js";
import type { GpuHealthSource, NodeTests, TestsHost } from "./health-ports.js";
import type { Isolation } from "./isolation.js";
import type { AgentView } from "./metrics/view.js";
import type { Owner } from "./policy/owner.js";
import type {
  AdminAccounts,
  Containers,
  Exports,
  KernelSource,
  Logs,
  LogsHost,
  Mounts,
  RemoteHost,
  RemoteStarts,
  StdCopies,
  TelemetrySource,
} from "./ports.js";

/** The parts that have ports of their own; main.ts gives the real ones. */
export interface AgentParts {
  mounts: Mounts;
  containers: Containers;
  exports: Exports;
  accounts: AdminAccounts;
  copies: StdCopies;
  /** Of setup tasks, by their runs. */
  setupCopies: StdCopies<string>;
  telemetry: TelemetrySource;
  kernel: KernelSource;
  isolation: Isolation;
  owner: Owner;
  smiRuns: AgentView["smiRuns"];
  /** Watches these. */
  gpus(gpus: readonly Gpu[]): GpuHealthSource;
  logs(host: LogsHost): Logs;
  tests(host: TestsHost): NodeTests;
  remote(host: RemoteHost): RemoteStarts;
}
