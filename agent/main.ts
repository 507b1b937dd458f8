import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { availableParallelism, homedir, hostname, networkInterfaces, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { create } from "@bufbuild/protobuf";
import { CommanderError } from "commander";
import {
  commandOf,
  flag,
  type Program,
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
import { IsolationSchema } from "../shared/gen/stoker/v1/node_pb.js";
import { serviceManager } from "../shared/service-manager/service-manager.js";
import { giveBackStart } from "../shared/start-memory.js";
import { version } from "../shared/version.js";
import { Agent } from "./agent.js";
import { addDoctorCommand } from "./doctor-command.js";
import { offerOf } from "./exports/machine.js";
import { addHardwareCommand } from "./hardware-command.js";
import { healthSettings } from "./health-settings.js";
import { IdentityFile } from "./identity/identity-file.js";
import { makeIsolation } from "./isolation.js";
import { isolationSettings } from "./isolation-settings.js";
import { addJoinCommand } from "./join-command.js";
import { membershipOf } from "./membership-of.js";
import { AgentMetrics } from "./metrics/agent-metrics.js";
import { ObeyedFile } from "./obeyed-file.js";
import { makeParts } from "./parts.js";
import { dataPaths } from "./paths.js";
import { Owner } from "./policy/owner.js";
import { chooseFreezer } from "./watchdog/freezer.js";

const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const units: Record<string, number> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

const bytes: Setting<number | undefined> = {
  description: "memory offered to jobs, when it is to be less than there is; such as 64GiB",
  placeholder: "bytes",
  parse: (value) => {
    const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(value.trim());
    const amount = Math.floor(Number(match?.[1]) * (units[(match?.[2] ?? "").toLowerCase()] ?? Number.NaN));
    if (!Number.isSafeInteger(amount)) throw new Fault("invalid-argument", `"${value}" is not an amount of memory`);
    return amount;
  },
};

const witnessPort: Setting<number | undefined> = {
  description:
    "UDP port at which other nodes may ask whether this one hears the coordinator; 0: any that is free; off: this node neither asks nor answers, and freezes its ranks while the coordinator is away",
  placeholder: "port|off",
  default: 7415,
  parse: (value) => {
    if (/^(off|no|false)$/i.test(value.trim())) return undefined;
    const port = Number(value);
    if (!/^\d{1,5}$/.test(value.trim()) || port > 65_535) {
      throw new Fault("invalid-argument", `"${value}" is neither a port nor "off"`);
    }
    return port;
  },
};

function onOrOff(value: string): "on" | "off" {
  const word = value.trim().toLowerCase();
  if (word === "on" || word === "off") return word;
  throw new Fault("invalid-argument", `"${value}" is neither on nor off`);
}

function secondsWithin(least: number, most: number): (value: string) => number {
  return (value) => {
    const seconds = Number(value);
    if (/^\d+(?:\.\d+)?$/.test(value.trim()) && seconds >= least && seconds <= most) return seconds;
    throw new Fault("invalid-argument", `"${value}" is not a number of seconds from ${least} to ${most}`);
  };
}

function runtimeWord(value: string): string {
  const word = value.trim().toLowerCase();
  if (["auto", "off", "podman", "docker", "apptainer"].includes(word)) return word;
  throw new Fault("invalid-argument", `"${value}" is none of auto, off, podman, docker and apptainer`);
}

const program = {
  name: "stoker-agent",
  description: "Runs jobs on this machine for a Stoker coordinator.",
  version,
  example: "stoker-agent --data-dir /var/lib/stoker-agent",
  configPath: "/etc/stoker/agent.yaml",
  settings: {
    coordinator: text({
      description: "the coordinator's address (default: where this machine has joined)",
      placeholder: "host:port",
    }),
    name: text({
      description: "this node's name (default: that under which it has joined, or this machine's)",
      placeholder: "name",
    }),
    tls: {
      description:
        "off: connections are not encrypted, and a token takes the place of this node's certificate; for a coordinator on this machine alone, with the same setting",
      placeholder: "on|off",
      default: "on",
      parse: onOrOff,
    } satisfies Setting<"on" | "off">,
    host: text({
      description: "address at which other nodes reach this one (default: the primary IPv4 address)",
      placeholder: "address",
    }),
    dataDir: text({
      description: "folder on a local disk for everything the agent keeps",
      placeholder: "folder",
      default: "/var/lib/stoker-agent",
    }),
    tokenFile: text({
      description: "with --tls off: file that holds the coordinator's token; without it, STOKER_TOKEN is taken",
      placeholder: "file",
    }),
    machineClass: text({ description: "name of this kind of machine (default: found out)", placeholder: "name" }),
    cpus: whole({ description: "CPUs offered to jobs, when it is to be fewer than there are", placeholder: "number" }),
    memory: bytes,
    gpus: whole({ description: "GPUs offered to jobs, when it is to be fewer than there are", placeholder: "number" }),
    reclaimable: flag("its owner may take this machine back at any time: it serves low-priority clusters alone"),
    shim: text({ description: "the program stoker-shim (default: beside this one)", placeholder: "file" }),
    cgroup: text({
      description:
        "control group (version 2) to divide among jobs, so that they can be frozen as a whole: auto (the agent's own, when it was given one), off, or a folder",
      placeholder: "auto|off|folder",
      default: "auto",
    }),
    witnessPort,
    containers: {
      description:
        "what runs jobs' containers: auto, the first of podman, docker and apptainer that works; one of these; or off",
      placeholder: "auto|off|name",
      default: "auto",
      parse: runtimeWord,
    },
    serveFiles: text({
      description:
        "file servers on this machine: auto, those that name it; off, none; or a folder, which is offered to those that name no machine, and outside of which no directory is served",
      placeholder: "auto|off|folder",
      default: "auto",
    }),
    systemPath: text({
      description: "where the system's own programs are looked for, such as mount, exportfs and mkfs.ext4",
      placeholder: "folder:folder",
      default: systemPath,
    }),
    nfsPort: whole({
      description: "TCP port at which this machine's file servers answer",
      placeholder: "port",
      default: 2049,
    }),
    allowAdminAccounts: flag("clusters may have an admin account with sudo on this machine (userAccountSettings)"),
    sampleInterval: {
      description: "seconds between samples of GPUs, processors and memory, 0.5 to 60",
      placeholder: "seconds",
      default: 2,
      parse: secondsWithin(0.5, 60),
    },
    metricsListen: text({
      description: "HOST:PORT for Prometheus, at /metrics, without a token; empty: nothing listens",
      placeholder: "host:port",
      default: "",
    }),
    noExec: flag(
      "let nobody run commands here, or reach what this machine reaches, but by jobs: `stoker node exec` and the like are refused",
    ),
    diskReserve: {
      ...bytes,
      description:
        "free space on the data folder's disk that is kept for what runs; below it no new lease is taken (default: 64MiB)",
    },
    ...isolationSettings,
    ...healthSettings,
    logLevel: text({ description: "trace, debug, info, warn or error", placeholder: "level", default: "info" }),
  },
} satisfies Program<Record<string, Setting<unknown>>>;

const exitCodes = { ...daemonExit, configuration: 2 } as const;

function primaryAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

function shimOf(given: string | undefined): string {
  const path = resolve(given ?? join(dirname(process.argv[1] ?? "."), "stoker-shim"));
  if (!existsSync(path)) throw new Fault("invalid-argument", `there is no ${path}: pass --shim`);
  return path;
}

/** Launchers of MPI take one word, so the shim has a second name; the same on every machine where it is installed alike. */
function rshOf(shim: string): string {
  const path = join(dirname(shim), "stoker-rsh");
  if (!existsSync(path)) symlinkSync("stoker-shim", path);
  return path;
}

/** Never the agent's own environment: it may hold the token. */
function baseEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const user = userInfo().username;
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: homedir(),
    USER: user,
    LOGNAME: user,
    SHELL: "/bin/bash",
    LANG: environment.LANG ?? "C.UTF-8",
  };
}

async function start(flags: Record<string, unknown>): Promise<void> {
  const settings = readSettings(program, flags, process.env);
  const log = daemonLog("stoker-agent", settings.logLevel);
  crashLoudly(log);
  keepMemoryOutOfDumps(log);
  const manager = serviceManager(process.env, process.argv[1] ?? ".", log);
  const shimPath = shimOf(settings.shim);
  const dataDir = resolve(settings.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  const member = await membershipOf(settings, {
    dataDir,
    hostname: hostname(),
    environment: process.env,
    waits: () => manager.ready("waiting to join a coordinator"),
    log,
  });
  const freezer = chooseFreezer(shimPath, settings.cgroup);
  const owner = new Owner(settings.policyFile, log);
  const isolation = await makeIsolation(
    {
      ...{ dataDir, shimPath, accounts: settings.accounts, limits: settings.limits, groups: freezer.groups },
      ...{ systemPath: settings.systemPath, machineCpus: settings.cpus ?? availableParallelism() },
      allowRoot: () => owner.policy.allowRoot,
    },
    log,
  );
  const parts = makeParts({
    ...{ nodeName: member.name, dataDir, shimPath, log },
    ...{ offer: offerOf(settings.serveFiles), nfsPort: settings.nfsPort, systemPath: settings.systemPath },
    allowAdminAccounts: settings.allowAdminAccounts,
    containers: settings.containers,
    sampleEveryMs: settings.sampleInterval * 1_000,
    ...{ health: settings.health, nvidiaSmi: settings.nvidiaSmi, kernelLog: settings.kernelLog },
    ...{ isolation, owner },
  });
  const [found, runtime] = await Promise.all([
    parts.telemetry.inventory({
      machineClass: settings.machineClass,
      cpus: settings.cpus,
      memoryBytes: settings.memory,
      gpus: settings.gpus,
      given: (gpus) => owner.given(gpus),
    }),
    parts.containers.find(),
  ]);
  const inventory = {
    ...{ ...found, reclaimable: settings.reclaimable, isolation: create(IsolationSchema, isolation.words) },
    ...{ containerRuntime: runtime?.name ?? "", containerRuntimeVersion: runtime?.version ?? "" },
  };
  const agent = new Agent(
    {
      ...member,
      host: settings.host ?? primaryAddress(),
      dataDir,
      shimPath,
      rshPath: rshOf(shimPath),
      inventory,
      freezer,
      witnessPort: settings.witnessPort,
      diskReserve: settings.diskReserve,
      exec: !settings.noExec,
      ...{ containers: settings.containers, accounts: settings.accounts },
      baseEnvironment: baseEnvironment(process.env),
    },
    parts,
    log,
  );
  const { metricsListen: listen } = settings;
  const metrics = new AgentMetrics({ listen, dataDir, spool: dataPaths(dataDir).spool, log }, () => agent.view());
  stopOnSignal(log, manager, async () => {
    metrics.close();
    await agent.stop();
  });
  await agent.start();
  await metrics.listen();
  reloadOnHangUp(log, manager, () => readSettings(program, flags, process.env).logLevel);
  manager.ready(`running as node ${member.name}`);
  log.info({ name: member.name, dataDir, version }, "started");
  giveBackStart();
}

function acceptAnyCoordinator(flags: Record<string, unknown>): void {
  const { dataDir } = readSettings(program, flags, process.env);
  new ObeyedFile(dataPaths(resolve(dataDir)).obeyed).forget();
  process.stdout.write(
    "The next coordinator that answers is obeyed. Make sure that no other one of this site is alive.\n",
  );
}

const command = commandOf(program)
  .option("--accept-coordinator", "forget which coordinator was obeyed last, and end: the next that answers is obeyed")
  .exitOverride()
  .action((flags: Record<string, unknown>) => (flags.acceptCoordinator ? acceptAnyCoordinator(flags) : start(flags)));

addJoinCommand(command, (flags) => {
  const { dataDir, name = hostname(), containers, accounts } = readSettings(program, flags, process.env);
  return { dataDir: resolve(dataDir), name, containers, accounts };
});

addHardwareCommand(command);
addDoctorCommand(command, (flags) => {
  refuseUnreadable(program, flags);
  const { coordinator, dataDir, witnessPort, containers, accounts } = readSettings(program, flags, process.env);
  const joined = new IdentityFile(resolve(dataDir)).read()?.coordinator;
  const head = coordinator ?? joined ?? "127.0.0.1:7741";
  return { coordinator: head, dataDir: resolve(dataDir), witnessPort, containers, accounts };
});

command.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? exitCodes.clean : exitCodes.configuration);
  if (error instanceof Fault) {
    process.stderr.write(`stoker-agent: ${error.message}\n`);
    process.exit(exitCodes.configuration);
  }
  process.stderr.write(`stoker-agent: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(exitCodes.crash);
});
