import type { Logger } from "pino";
import type { AgentParts } from "./agent.js";
import { NodeContainers } from "./containers/node-containers.js";
import { inContainers } from "./core/environment.js";
import type { Offer } from "./exports/machine.js";
import { NodeExports } from "./exports/node-exports.js";
import { KernelLog } from "./kernel/kernel-log.js";
import { LogShipper } from "./logs/log-shipper.js";
import { ShimCopies } from "./logs/std-copies.js";
import { NodeMounts } from "./mounts/node-mounts.js";
import { SessionRemoteStarts } from "./mpi/remote-starts.js";
import { dataPaths } from "./paths.js";
import { Accounts } from "./setup/accounts.js";
import { GpuWatch } from "./telemetry/gpu-watch.js";
import { MachineTelemetry } from "./telemetry/machine-telemetry.js";
import { SmiRuns } from "./telemetry/smi-runs.js";
import { MachineTests } from "./tests/node-tests.js";

export interface PartsOptions {
  nodeName: string;
  dataDir: string;
  shimPath: string;
  /** Whether and what its owner lets be served from this machine. */
  offer: Offer;
  nfsPort: number;
  /** Where the system's own programs are looked for. */
  systemPath: string;
  /** Its owner lets clusters have admin accounts on it. */
  allowAdminAccounts: boolean;
  /** auto, off, or a runtime's name. */
  containers: string;
  log: Logger;
}

/** The real parts; tests give others. */
export function makeParts(options: PartsOptions): AgentParts {
  const { nodeName, dataDir, shimPath, offer, nfsPort, systemPath: path, log } = options;
  const paths = dataPaths(dataDir);
  const kernel = new KernelLog(log);
  const smiRuns = new SmiRuns();
  return {
    containers: new NodeContainers(
      {
        ...{ spool: paths.spool, store: paths.images, dataDir, wanted: options.containers, environment: process.env },
        holder: [inContainers.shim, "hold"],
      },
      log,
    ),
    mounts: new NodeMounts({ nodeName, caches: paths.mountCaches, path }, log),
    exports: new NodeExports({ folder: paths.exports, offer, port: nfsPort, path }, log),
    copies: new ShimCopies(shimPath, paths.spool, log),
    accounts: new Accounts({ folder: paths.setup, allowed: options.allowAdminAccounts }, log),
    setupCopies: new ShimCopies<string>(shimPath, paths.setup, log),
    telemetry: new MachineTelemetry({ smiRuns }, log),
    kernel,
    smiRuns: smiRuns.of,
    gpus: (gpus) => {
      const watch = new GpuWatch(gpus, { program: "nvidia-smi", smiRuns }, log);
      kernel.onMessage(({ message }) => watch.kernelSaid(message));
      return watch;
    },
    logs: (host) => new LogShipper(host, log),
    tests: (host) => new MachineTests(host, { shimPath }, log),
    remote: (host) => new SessionRemoteStarts(host, log),
  };
}
