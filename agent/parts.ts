import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import type { AgentParts } from "./agent-parts.js";
import { NodeContainers } from "./containers/node-containers.js";
import { inContainers } from "./core/environment.js";
import type { Thresholds } from "./core/health/health.js";
import type { Offer } from "./exports/machine.js";
import { NodeExports } from "./exports/node-exports.js";
import type { Isolation } from "./isolation.js";
import { KernelLog } from "./kernel/kernel-log.js";
import { vitalDevices } from "./kernel/vital-devices.js";
import { LogShipper } from "./logs/log-shipper.js";
import { ShimCopies } from "./logs/std-copies.js";
import { NodeMounts } from "./mounts/node-mounts.js";
import { SessionRemoteStarts } from "./mpi/remote-starts.js";
import { dataPaths } from "./paths.js";
import type { Owner } from "./policy/owner.js";
import { Accounts } from "./setup/accounts.js";
import { GpuWatch } from "./telemetry/gpu-watch.js";
import { MachineTelemetry } from "./telemetry/machine-telemetry.js";
import { MachineWatch } from "./telemetry/machine-watch.js";
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
  /** Clusters may have admin accounts on it, where its owner's policy does not say. */
  allowAdminAccounts: boolean;
  /** auto, off, or a runtime's name. */
  containers: string;
  isolation: Isolation;
  owner: Owner;
  /** Between samples of what the machine does. */
  sampleEveryMs: number;
  /** See health-settings.ts. */
  health: Thresholds;
  nvidiaSmi: string;
  kernelLog: string;
  log: Logger;
}

/** The real parts; tests give others. */
export function makeParts(options: PartsOptions): AgentParts {
  const { nodeName, dataDir, shimPath, offer, nfsPort, systemPath: path, isolation, log } = options;
  const paths = dataPaths(dataDir);
  const kernel = new KernelLog(log, { path: options.kernelLog });
  const smiRuns = new SmiRuns();
  const { nvidiaSmi: program, health: thresholds } = options;
  const allowed = () => options.owner.allowsAdminAccounts(options.allowAdminAccounts);
  const kept = { file: paths.gpus, boot: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim() };
  const telemetry = new MachineTelemetry({ smiRuns, everyMs: options.sampleEveryMs, program, ...kept }, log);
  return {
    containers: new NodeContainers(
      {
        ...{ spool: paths.spool, store: paths.images, dataDir, wanted: options.containers, environment: process.env },
        holder: [inContainers.shim, "hold"],
        shimPath,
      },
      log,
    ),
    mounts: new NodeMounts({ nodeName, caches: paths.mountCaches, path }, log),
    exports: new NodeExports({ folder: paths.exports, offer, port: nfsPort, path }, log),
    copies: new ShimCopies(shimPath, paths.spool, log, (lease) => isolation.confinements.of(lease)?.file),
    ...{ isolation, owner: options.owner },
    accounts: new Accounts({ folder: paths.setup, allowed }, log),
    setupCopies: new ShimCopies<string>(shimPath, paths.setup, log, () => undefined, true),
    telemetry,
    kernel,
    smiRuns: smiRuns.of,
    gpus: (gpus) => {
      const machine = new MachineWatch({ vitalDevices: vitalDevices(["/", dataDir]), thresholds }, log);
      const watch = new GpuWatch(
        gpus,
        {
          ...{ program, smiRuns, thresholds, machine },
          read: (document, failure) => telemetry.read(document, failure),
          keepApart: (apart) => telemetry.keepApart(apart),
        },
        log,
      );
      telemetry.onRows((rows, failure) => watch.sampled(rows, failure));
      telemetry.onLate(() => watch.late());
      kernel.onMessage((said) => {
        watch.kernelSaid(said.message, said.at);
        machine.kernelSaid(said);
      });
      return watch;
    },
    logs: (host) => new LogShipper(host, log),
    tests: (host) => new MachineTests(host, { program: join(dirname(shimPath), "stoker-node-test") }, log),
    remote: (host) => new SessionRemoteStarts(host, log),
  };
}
