import { resolve } from "node:path";
import { CommanderError } from "commander";
import {
  choice,
  commandOf,
  flag,
  type Program,
  pairs,
  readSettings,
  refuseUnreadable,
  type Setting,
  text,
  whole,
} from "../shared/config.js";
import { keepMemoryOutOfDumps } from "../shared/core-dumps.js";
import { crashLoudly, daemonExit, reloadOnHangUp, stopOnSignal } from "../shared/daemon.js";
import { daemonLog } from "../shared/daemon-log.js";
import { Fault } from "../shared/fault.js";
import { serviceManager } from "../shared/service-manager/service-manager.js";
import { version } from "../shared/version.js";
import { addBackupCommands } from "./backup-commands.js";
import { CatalogRefused } from "./catalog/refused.js";
import type { TlsMode } from "./connections.js";
import { Coordinator } from "./coordinator.js";
import { admitDuration, admitMemory } from "./core/admission/quantities.js";
import { defaultSettings, rootCommandsFrom, type Settings } from "./core/settings.js";
import { addDoctorCommand } from "./doctor-command.js";
import { gangWatchSettings } from "./gang-watch-settings.js";
import { guardSettings } from "./guard-settings.js";
import { addKeyCommands } from "./key-commands.js";
import { outwardSettings } from "./outward-settings.js";
import { keyPlace } from "./secrets/key-file.js";

const policies: ReadonlyArray<Settings["policy"]> = ["backfill", "fifo"];
const tlsModes: readonly TlsMode[] = ["on", "migrate", "off"];
const defaultCertificateLifeMs = 30 * 86_400_000;
const logLevels = ["trace", "debug", "info", "warn", "error"] as const;

const program = {
  name: "stoker-coordinator",
  description: "Holds the catalog, schedules jobs, and speaks to agents and users.",
  version,
  example: "stoker-coordinator --listen 0.0.0.0:7741 --data-dir /var/lib/stoker",
  configPath: "/etc/stoker/coordinator.yaml",
  settings: {
    listen: text({
      description: "address for agents and users; 0.0.0.0 for every network of this machine",
      placeholder: "host:port",
      default: "127.0.0.1:7741",
    }),
    dataDir: text({
      description: "folder on a local disk for the catalog, the logs and NATS",
      placeholder: "folder",
      default: "/var/lib/stoker",
    }),
    tokenFile: text({
      description: "file that holds the token, made when there is none (default: token in the data folder)",
      placeholder: "file",
    }),
    tls: choice<TlsMode>(tlsModes, {
      description:
        "on: every connection is encrypted, and nodes have certificates; migrate: as on, and agents and users of before 0.3 are let in as they were, by the token; off: nothing is encrypted, on an address of this machine alone",
      placeholder: "mode",
      default: "on",
    }),
    nodeCertificateLife: {
      description: "how long a node's certificate is valid; it is renewed by itself (default: P30D)",
      placeholder: "duration",
      parse: (value) => admitDuration("--node-certificate-life", value),
    } satisfies Setting<number | undefined>,
    natsUrl: text({ description: "an existing NATS with JetStream, in place of our own", placeholder: "url" }),
    natsTokenFile: text({ description: "file that holds the token of --nats-url", placeholder: "file" }),
    natsServer: text({
      description: "the program nats-server, when NATS is our own",
      placeholder: "file",
      default: "nats-server",
    }),
    natsPort: whole({
      description:
        "port of our own NATS, on the address of --listen; 0: any that is free, the same again at the next start",
      placeholder: "port",
      default: 0,
    }),
    filesPort: {
      description:
        "TCP port, on the address of --listen, for time-limited links to jobs' files; off: no links (default: the port after that of --listen)",
      placeholder: "port|off",
      parse: (value) => {
        if (/^(off|no|false)$/i.test(value.trim())) return "off";
        if (/^\d{1,5}$/.test(value.trim()) && Number(value) <= 65_535) return Number(value);
        throw new Fault("invalid-argument", `"${value}" is neither a port nor "off"`);
      },
    } satisfies Setting<number | "off" | undefined>,
    metricsListen: text({
      description: "HOST:PORT for Prometheus, at /metrics, without a token; empty: no metrics",
      placeholder: "host:port",
      default: "",
    }),
    advertiseHost: text({
      description:
        "host at which agents reach our own NATS, and users links to files (default: that by which they reached us)",
      placeholder: "host",
    }),
    heartbeatIntervalMs: whole({
      description: "time between an agent's heartbeats, in milliseconds",
      placeholder: "ms",
      default: defaultSettings.heartbeatIntervalMs,
    }),
    leaseTtlMs: whole({
      description: "an agent that was not answered for so long freezes its ranks, in milliseconds",
      placeholder: "ms",
      default: defaultSettings.leaseTtlMs,
    }),
    leaseMarginMs: whole({
      description: "waited beyond that before a silent node is declared lost, in milliseconds",
      placeholder: "ms",
      default: defaultSettings.marginMs,
    }),
    killGraceSeconds: whole({
      description: "time between SIGTERM and SIGKILL for a job that is stopped, in seconds",
      placeholder: "s",
      default: defaultSettings.killGraceSeconds,
    }),
    machineClasses: pairs({
      description:
        "aliases of machine classes, such as STANDARD_NC6=k80x1, beside those of `stoker node class map`; a map in the file",
      placeholder: "alias=class,…",
    }),
    secretKeyFile: text({
      description:
        "file that holds the key which secrets in the catalog are sealed with, made when there is none (default: systemd's credential stoker-secret-key, else secret-key in the data folder)",
      placeholder: "file",
    }),
    policy: choice(policies, {
      description:
        "what may overtake a job that cannot start yet: backfill (whatever cannot delay it) or fifo (nothing)",
      placeholder: "name",
      default: defaultSettings.policy,
    }),
    witnesses: {
      ...flag("off: agents never ask one another whether the coordinator is gone, and freeze their ranks while it is"),
      default: true,
      placeholder: "on|off",
    },
    logLimit: {
      description:
        "what the ranks of an attempt may write to stdout and stderr on one node, unless the job says logLimit",
      placeholder: "bytes",
      default: defaultSettings.logLimitBytes,
      parse: (value) => admitMemory("--log-limit", value) ?? defaultSettings.logLimitBytes,
    } satisfies Setting<number>,
    setupLimit: {
      description: "how long a cluster's setup task may take on a node, such as PT30M (default: PT1H)",
      placeholder: "duration",
      parse: (value) => admitDuration("--setup-limit", value),
    } satisfies Setting<number | undefined>,
    scaleDownIdle: {
      description: "a cluster that scales by itself keeps a node that has nothing to do for so long (default: PT5M)",
      placeholder: "duration",
      parse: (value) => admitDuration("--scale-down-idle", value),
    } satisfies Setting<number | undefined>,
    rootCommands: choice(rootCommandsFrom, {
      description:
        "who may name what runs as root on machines (set-up tasks, mountCommand): owner (owners of the workspace and administrators), administrator, or contributor (everybody who submits jobs)",
      placeholder: "role",
      default: defaultSettings.rootCommands,
    }),
    ...guardSettings,
    waitingLong: {
      description:
        "a job that has been queued, or a cluster short of nodes, for so long is told of as an event (default: PT1H)",
      placeholder: "duration",
      parse: (value) => admitDuration("--waiting-long", value),
    } satisfies Setting<number | undefined>,
    ...outwardSettings,
    ...gangWatchSettings,
    diskReserve: {
      description: "free space on the data folder's disk that is kept for what runs; below it nothing new is taken on",
      placeholder: "bytes",
      default: 64 * 2 ** 20,
      parse: (value) => admitMemory("--disk-reserve", value) ?? 0,
    } satisfies Setting<number>,
    logLevel: choice<string>(logLevels, {
      description: "how much is logged",
      placeholder: "level",
      default: "info",
    }),
  },
} satisfies Program<Record<string, Setting<unknown>>>;

/** 78 is EX_CONFIG of sysexits.h: trying again does not help, an operator must act. */
const exitCodes = { ...daemonExit, configuration: 2, catalogRefused: 78 } as const;

async function start(flags: Record<string, unknown>): Promise<void> {
  const settings = readSettings(program, flags, process.env);
  // The catalog and the logs may hold secrets.
  process.umask(0o077);
  const log = daemonLog("stoker-coordinator", settings.logLevel);
  crashLoudly(log);
  keepMemoryOutOfDumps(log);
  const manager = serviceManager(process.env, process.argv[1] ?? ".", log);
  const coordinator = await Coordinator.start({
    ...settings,
    dataDir: resolve(settings.dataDir),
    outward: settings,
    token: process.env.STOKER_TOKEN || undefined,
    nodeCertificateLifeMs: settings.nodeCertificateLife ?? defaultCertificateLifeMs,
    log,
  });
  stopOnSignal(log, manager, () => coordinator.stop());
  reloadOnHangUp(log, manager, () => readSettings(program, flags, process.env).logLevel);
  manager.ready(`serving at ${coordinator.address}`);
  log.info({ address: coordinator.address, dataDir: settings.dataDir, version }, "ready");
}

const command = commandOf(program)
  .exitOverride()
  .action((flags: Record<string, unknown>) => start(flags));

const placesOf = (flags: Record<string, unknown>) => {
  const { dataDir, secretKeyFile } = readSettings(program, flags, process.env);
  return { dataDir: resolve(dataDir), key: keyPlace(secretKeyFile, resolve(dataDir), process.env) };
};
addBackupCommands(command, placesOf);
addKeyCommands(command, placesOf);
addDoctorCommand(command, (flags) => {
  refuseUnreadable(program, flags);
  const { dataDir, listen, natsServer, natsUrl } = readSettings(program, flags, process.env);
  return { dataDir: resolve(dataDir), listen, natsServer, natsUrl };
});

command.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? exitCodes.clean : exitCodes.configuration);
  if (error instanceof CatalogRefused || error instanceof Fault) {
    process.stderr.write(`stoker-coordinator: ${error.message}\n`);
    process.exit(error instanceof Fault ? exitCodes.configuration : exitCodes.catalogRefused);
  }
  process.stderr.write(
    `stoker-coordinator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(exitCodes.crash);
});
