import { availableParallelism, release, totalmem } from "node:os";
import { create } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import { InventorySchema } from "../shared/gen/stoker/v1/node_pb.js";
import type { AgentParts } from "./agent.js";
import { LogShipper } from "./logs/log-shipper.js";
import { ShimCopies } from "./logs/std-copies.js";
import { NodeMounts } from "./mounts/node-mounts.js";
import { SessionRemoteStarts } from "./mpi/remote-starts.js";
import { dataPaths } from "./paths.js";
import type { TelemetrySource } from "./ports.js";

export interface PartsOptions {
  nodeName: string;
  dataDir: string;
  shimPath: string;
  log: Logger;
}

/** The real parts; tests give others. */
export function makeParts({ nodeName, dataDir, shimPath, log }: PartsOptions): AgentParts {
  const paths = dataPaths(dataDir);
  return {
    mounts: new NodeMounts({ nodeName }, log),
    copies: new ShimCopies(shimPath, paths.spool, log),
    telemetry: makeTelemetry(),
    logs: (host) => new LogShipper(host, log),
    remote: (host) => new SessionRemoteStarts(host, log),
  };
}

// Stands in until telemetry/ is here.
const makeTelemetry = (): TelemetrySource => ({
  inventory: async ({ machineClass, cpus, memoryBytes }) =>
    create(InventorySchema, {
      machineClass: machineClass ?? "any",
      os: release(),
      cpus: cpus ?? availableParallelism(),
      memoryBytes: BigInt(memoryBytes ?? totalmem()),
    }),
  latest: () => undefined,
  close: () => {},
});
