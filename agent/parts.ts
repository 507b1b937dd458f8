import type { Logger } from "pino";
import type { AgentParts } from "./agent.js";
import { LogShipper } from "./logs/log-shipper.js";
import { ShimCopies } from "./logs/std-copies.js";
import { NodeMounts } from "./mounts/node-mounts.js";
import { SessionRemoteStarts } from "./mpi/remote-starts.js";
import { dataPaths } from "./paths.js";
import { MachineTelemetry } from "./telemetry/machine-telemetry.js";

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
    telemetry: new MachineTelemetry({}, log),
    logs: (host) => new LogShipper(host, log),
    remote: (host) => new SessionRemoteStarts(host, log),
  };
}
