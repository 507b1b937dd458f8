import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import { bootClock } from "../shared/boot-clock.js";
import { DiskReserve } from "../shared/disk-reserve.js";
import type { Welcome } from "../shared/gen/stoker/v1/agent_service_pb.js";
import { type Inventory, OwnerTermsSchema } from "../shared/gen/stoker/v1/node_pb.js";
import { type LeaseId, parseLeaseId } from "../shared/ids.js";
import { version } from "../shared/version.js";
import type { AgentParts } from "./agent-parts.js";
import { Causes } from "./causes.js";
import { jobMountRootOf, type NodePlaces } from "./core/environment.js";
import type { LeaseEvent } from "./core/events.js";
import { frozenReason, ownerReason } from "./core/lapse.js";
import { urgencyOf } from "./core/reports.js";
import { ExecutionLog } from "./directories/execution-log.js";
import { JobTemps } from "./directories/job-temps.js";
import { Engine } from "./engine.js";
import { followGpus } from "./gpu-changes.js";
import type { GpuHealthSource, NodeTests } from "./health-ports.js";
import { containersHost, type LeaseHolder, mountsHost, remoteHost, sweepContainers, testsHost } from "./hosts.js";
import { listenInside, makeInsideFolder } from "./inside-folder.js";
import { Ledger } from "./ledger.js";
import { leftBehind } from "./left-behind.js";
import { obeyedBefore } from "./link/life.js";
import { Link, type LinkHost } from "./link/link.js";
import {
  exportStates,
  gpuFault,
  heartbeatOf,
  heldBecause,
  heldGpus,
  logsWaiting,
  ownerTerms,
  preparationMessage,
  reportMessage,
  withServing,
} from "./link/messages.js";
import { WireTelemetry } from "./link/wire-telemetry.js";
import type { AgentView } from "./metrics/view.js";
import { jobCommands } from "./mpi/job-commands.js";
import { ObeyedFile } from "./obeyed-file.js";
import { objectionTo } from "./obeying.js";
import { type DataPaths, dataPaths } from "./paths.js";
import { Performer } from "./perform.js";
import type { Logs, RemoteStarts, SessionMessage } from "./ports.js";
import { Preparer } from "./preparer.js";
import { RankProcesses } from "./rank-processes.js";
import { LeaseSignals } from "./ranks/lease-signals.js";
import { RankPipes } from "./ranks/rank-pipes.js";
import { LocalShims } from "./ranks/shims.js";
import { Spawner } from "./ranks/spawner.js";
import { Receiver } from "./received.js";
import { ledgerKey } from "./sealing/boot-key.js";
import { AllSurroundings } from "./surroundings.js";
import { TestLeases } from "./test-leases.js";
import { UserRelays, type UserRelaysOptions } from "./user-relays.js";
import { Fences } from "./watchdog/fences.js";
import type { Freezer } from "./watchdog/freezer.js";
import { Watchdog } from "./watchdog/watchdog.js";
import { Witnesses } from "./witness/witnesses.js";
import { witnessHost } from "./witness-host.js";

export interface AgentOptions extends UserRelaysOptions {
  /** What other nodes of a gang call this one. */
  host: string;
  dataDir: string;
  /** The launcher that stands for ssh: one word, and the same on every machine. */
  rshPath: string;
  inventory: Inventory;
  freezer: Freezer;
  /** Bytes of free space on the data folder's disk that are kept for what runs. */
  diskReserve?: number | undefined;
  /** Where other nodes may ask about the coordinator, 0 for any that is free; undefined: this one neither asks nor answers. */
  witnessPort?: number | undefined;
  /** What jobs' processes have besides their lease's variables. */
  baseEnvironment: Readonly<Record<string, string>>;
}

const diskReserveBytes = 64 * 2 ** 20;

/** Composition root: the only file that knows every part. */
export class Agent {
  private readonly paths: DataPaths;
  private readonly places: NodePlaces;
  private readonly holder: LeaseHolder;
  private readonly room: DiskReserve;
  private readonly ledger: Ledger;
  private readonly obeyed: ObeyedFile;
  private readonly clock = bootClock();
  private readonly wire = new WireTelemetry(() => this.clock.monotonic());
  private readonly fences: Fences;
  private readonly watchdog: Watchdog;
  private readonly temps: JobTemps;
  private readonly spawner: Spawner;
  private readonly shims: LocalShims;
  private readonly signals: LeaseSignals;
  private readonly logs: Logs;
  private readonly remote: RemoteStarts;
  private readonly ranks: RankProcesses;
  private readonly gpus: GpuHealthSource;
  private readonly tests: NodeTests;
  private readonly engine: Engine;
  private readonly preparer: Preparer;
  private readonly receiver: Receiver;
  private readonly link: Link;
  private readonly witnesses: Witnesses;
  private readonly users: UserRelays;
  private readonly boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

  constructor(
    private readonly options: AgentOptions,
    private readonly parts: AgentParts,
    private readonly log: Logger,
  ) {
    this.paths = dataPaths(options.dataDir);
    for (const dir of [this.paths.spool, this.paths.mounts, this.paths.jobMounts]) mkdirSync(dir, { recursive: true });
    this.places = {
      base: options.baseEnvironment,
      mountRoot: this.paths.mounts,
      jobMountsRoot: this.paths.jobMounts,
      jobsRoot: this.paths.jobs,
      spoolRoot: this.paths.spool,
      socket: this.paths.socket,
      rsh: options.rshPath,
      commands: jobCommands(this.paths.commands, options.rshPath),
    };
    makeInsideFolder(this.paths, options.shimPath);
    const { confinements, limits } = parts.isolation;
    const { openSocket } = this.paths;
    const surroundings = new AllSurroundings(this.places, options.shimPath, parts.containers, confinements, openSocket);
    this.holder = { engine: () => this.engine, paths: this.paths, places: this.places, surroundings };
    this.obeyed = new ObeyedFile(this.paths.obeyed);
    this.room = new DiskReserve({ dir: options.dataDir, bytes: options.diskReserve ?? diskReserveBytes, log });
    const remove = (path: string) => this.spawner.remove(path);
    const boot = { id: this.boot, key: ledgerKey(log) };
    this.ledger = new Ledger(this.paths.ledger, boot, remove, () => this.room.spend());
    this.fences = new Fences(this.paths.fences, this.boot, options.freezer.groups, log);
    this.watchdog = new Watchdog(options.shimPath, options.dataDir, log);
    this.spawner = new Spawner(options.shimPath, log);
    this.temps = new JobTemps(this.paths.jobs, this.paths.trash, this.paths.jobTemps, remove);
    this.shims = new LocalShims(this.spawner, (lease) => join(this.paths.fences, lease), log);
    this.signals = new LeaseSignals(options.shimPath, this.paths.spool, (lease) => this.fences.group(lease), log);
    const tell = (lease: LeaseId, event: LeaseEvent) => this.engine.lease(lease, event);
    this.logs = parts.logs({
      nodeName: options.name,
      needless: (lease, path) => parts.copies.copied(lease, path),
      release: (path, from, to) => this.spawner.punch(path, from, to),
      onComplete: (lease) => tell(lease, { type: "logs-complete" }),
    });
    const { fences, shims, signals, clock } = this;
    const ofTests = { nodeName: options.name, confinements, fences, shims, signals, clock, remote: () => this.remote };
    const testLeases = new TestLeases({ ...this.holder, ...ofTests, remove });
    const send = (message: SessionMessage) => this.link.send(message);
    this.remote = parts.remote(remoteHost(this.holder, parts.containers, shims, send, testLeases));
    this.gpus = parts.gpus(options.inventory.gpus);
    this.tests = parts.tests(testsHost(options, this.gpus, send, testLeases));
    const killed = (lease: LeaseId) => limits.killed(lease, this.fences.group(lease));
    const causes = new Causes(options.inventory.gpus, parts, () => this.remote, killed);
    this.ranks = new RankProcesses(
      this.paths,
      surroundings,
      this.shims,
      new RankPipes(options.shimPath, log),
      this.logs,
      tell,
      (lease) => this.signals.kill(lease),
      (run, dir, exit) => causes.ofRank(run, dir, exit),
      log,
    );
    const performer = new Performer({
      ...{ paths: this.paths, places: this.places, ledger: this.ledger, temps: this.temps, ranks: this.ranks },
      ...{ fences, watchdog: this.watchdog, confinements, limits, shimPath: options.shimPath, tests: this.tests },
      refused: (grant) => parts.owner.refuses(grant),
      ...{ signals, logs: this.logs, remote: this.remote, mounts: parts.mounts, copies: parts.copies },
      containers: parts.containers,
      executionLog: new ExecutionLog(options.name, log),
      report: (run, report) => this.link.report(reportMessage(run.id, report), urgencyOf(run, report)),
      tellDeaths: (run) => causes.tellRemote(run, tell),
      tell,
      segmentsInUse: () => new Set([...this.engine.state.leases.values()].map(({ grant }) => grant.jobPathSegment)),
      remove,
      log,
    });
    this.engine = new Engine(
      this.clock,
      this.ledger,
      (run, effect) => performer.perform(run, effect),
      log,
      (effect) => this.witnesses.perform(effect),
    );
    this.preparer = new Preparer(
      {
        ...{ clock: this.clock, nodeName: options.name, boot: this.boot, folder: this.paths.setup },
        ...{ mountRoot: this.paths.mounts, baseEnvironment: options.baseEnvironment, shims: this.shims },
        ...{ mounts: parts.mounts, accounts: parts.accounts, copies: parts.setupCopies },
        ...{ shimPath: options.shimPath, jobsAreOthers: parts.isolation.isOn },
        remove,
        report: (told) => this.link.report(preparationMessage(told)),
      },
      log,
    );
    this.witnesses = new Witnesses(witnessHost(options, this.holder), this.paths.witnesses, log);
    const ways = { logs: this.logs, witnesses: this.witnesses };
    this.receiver = new Receiver(
      {
        ...{ ...ways, preparer: this.preparer, exports: parts.exports },
        ...{ engine: () => this.engine, remote: this.remote, tests: this.tests, tellExports: () => this.tellExports() },
        users: (order) => this.users.take(order),
        membership: options.membership,
      },
      log,
    );
    this.link = new Link(options.coordinator, this.linkHost(), log);
    this.users = new UserRelays(options, this.holder, parts.mounts, (lease) => this.fences.path(lease), ways, log);
  }

  async start(): Promise<void> {
    const { freezer } = this.options;
    this.log.info({ freezer: freezer.name }, freezer.why);
    this.room.start();
    // First of all: what runs here is looked after by somebody, whatever becomes of this process.
    await this.watchdog.start();
    this.parts.kernel.start();
    this.gpus.start(() => heldGpus(this.engine.state.leases.values()));
    followGpus(this.parts.telemetry, this.options.inventory, this.gpus, () => this.link.renew());
    await listenInside(this.paths, this.remote, this.parts.isolation.isOn);
    await this.witness();
    await this.adopt();
    this.preparer.start();
    this.parts.mounts.watch(mountsHost(this.holder));
    this.parts.containers.watch(containersHost(this.holder));
    this.parts.exports.start(() => this.tellExports());
    this.parts.owner.start(({ isHere }) => this.engine.post({ type: "owner", isHere }));
    this.link.start();
    this.options.membership.start((message) => this.link.send(message));
  }

  /** Ranks go on without us: the next agent takes them up again. */
  async stop(): Promise<void> {
    this.options.membership.close();
    await Promise.all([this.users.close(), this.link.stop()]);
    await this.engine.stop();
    this.room.stop();
    this.preparer.close();
    await this.shims.close();
    this.spawner.close();
    this.signals.close();
    this.watchdog.close();
    this.parts.owner.close();
    this.witnesses.close();
    this.parts.telemetry.close();
    this.parts.kernel.close();
    this.gpus.close();
    this.tests.close();
    // Not waited for: it may be at a server that hangs.
    void this.parts.mounts.close();
    this.parts.containers.close();
    this.parts.exports.close();
    await Promise.all([this.remote.close(), this.logs.close()]);
  }

  /** For its metrics. */
  view(): AgentView {
    const { telemetry, mounts, kernel, smiRuns } = this.parts;
    return {
      ...{ leases: this.engine.state.leases.values(), isConnected: this.link.isConnected },
      ...{ watchdogProblem: this.watchdog.problem(), mountsProblem: mounts.clusterProblem() },
      ...{ gpus: this.options.inventory.gpus, gpuFaults: this.gpus.faults(), gpusProblem: this.gpus.problem() },
      ...{ diskLow: this.room.low, logsWaiting: this.logs.waiting(), telemetry: telemetry.latest() },
      ...{ smiRuns, kernelMessages: kernel.counts() },
    };
  }

  /** Before leases are taken up: their time may be short, and the coordinator away. */
  private async witness(): Promise<void> {
    const { witnessPort } = this.options;
    if (witnessPort === undefined) return;
    this.engine.post({ type: "witness-begins", self: this.options.name, set: this.witnesses.set });
    await this.witnesses.listen(witnessPort);
  }

  private async adopt(): Promise<void> {
    const { stored, held, unknown } = leftBehind(this.ledger, [this.paths.spool, this.paths.fences], this.log);
    // What we don't know we hold we can't freeze: it must be gone before the coordinator hears that we don't hold it.
    await Promise.all(unknown.map((lease) => this.signals.kill(lease)));
    const own = new Set(stored.map(({ run }) => run.id));
    const restored = this.fences.sweep(own);
    for (const path of this.parts.isolation.leftBehind(own)) this.spawner.remove(path);
    for (const name of readdirSync(this.paths.spool)) {
      if (!held.has(name)) this.spawner.remove(join(this.paths.spool, name));
    }
    const heldMounts = stored.map(({ run }) => jobMountRootOf(run.grant, this.places));
    // Not waited for: a server that hangs must not keep heartbeats from the leases that are taken up.
    this.parts.mounts
      .sweep(this.paths.jobMounts, () => heldMounts)
      .catch((error: unknown) => this.log.error({ err: error }, "mounts of earlier attempts could not be looked for"));
    sweepContainers(this.parts.containers, this.holder, held, this.log);
    const now = this.clock.monotonic();
    for (const { run, sameBoot } of stored) {
      // Without a deadline on disk, as if it had run out just now: its processes are stopped until the coordinator speaks.
      const expiresAt = (sameBoot ? this.fences.until(run.id) : undefined) ?? now;
      this.log.info({ lease: run.id, phase: run.progress.phase, sameBoot }, "taking up a lease of an earlier agent");
      const group = this.fences.group(run.id);
      this.parts.isolation.limits.again(group, run.grant);
      if (group !== undefined && restored.has(run.id))
        await this.parts.isolation.limits.anew(group, run.grant.gpuUuids);
      this.engine.post({ type: "adopt", run, found: this.ranks.find(run, sameBoot), expiresAt });
    }
    this.engine.post({ type: "tick" });
  }

  /** Dropped without a session: the next begins with what is to be served, and is told again. */
  private tellExports(): void {
    this.link.report(exportStates(this.parts.exports.states()));
  }

  private linkHost(): LinkHost {
    const held = () => {
      // This process may have been stopped until now: what has lapsed meanwhile is told as that.
      this.engine.post({ type: "tick" });
      const why = this.engine.state.ownerIsHere ? ownerReason : frozenReason;
      return [...this.engine.state.leases.values()].map((run) => heldBecause(run, why));
    };
    return {
      credential: () => this.options.membership.credential(),
      removed: () => this.removed(),
      monotonic: () => this.clock.monotonic(),
      hello: () => ({
        nodeName: this.options.name,
        address: this.options.host,
        agentVersion: version,
        bootId: this.boot,
        gpuFaults: this.gpus.faults().map(gpuFault),
        inventory: this.wire.hello({
          ...withServing(this.options.inventory, this.parts.exports.serving()),
          prepares: true,
          owner: create(OwnerTermsSchema, ownerTerms(this.parts)),
        }),
        leases: held(),
        ...obeyedBefore(this.obeyed.read()),
        witnessPort: this.witnesses.port,
        witnessSet: BigInt(this.witnesses.set?.version ?? 0),
      }),
      heartbeat: () =>
        heartbeatOf({
          leases: held(),
          problems: [this.watchdog.problem(), this.room.low, this.parts.mounts.clusterProblem(), this.gpus.problem()],
          gpus: this.gpus,
          witnessSet: BigInt(this.witnesses.set?.version ?? 0),
          owner: ownerTerms(this.parts),
          telemetry: this.wire.next(this.parts.telemetry.latest()),
          beside: { freezer: this.options.freezer.name, ...logsWaiting(this.logs.waiting()) },
        }),
      objection: (welcome) => this.objection(welcome),
      welcomed: (welcome, sentAt, leases) => this.welcomed(welcome, sentAt, leases),
      heartbeatSent: (sequence, at) => this.engine.post({ type: "heartbeat-sent", sequence, at }),
      heartbeatAnswered: (sequence, renewed, superseded) => {
        this.engine.post({
          type: "heartbeat-answered",
          sequence,
          renewed: leaseIds(renewed),
          superseded: leaseIds(superseded),
        });
      },
      received: (message) => this.receiver.received(message),
    };
  }

  private objection(welcome: Welcome): string | undefined {
    const busy = [...this.engine.state.leases.values()].some(({ progress }) => progress.phase !== "done");
    return objectionTo(welcome, this.obeyed, busy);
  }

  /** Nobody will ask for what runs here any more. */
  private removed(): void {
    for (const lease of this.engine.state.leases.keys()) this.engine.lease(lease, { type: "superseded" });
  }

  private welcomed(welcome: Welcome, sentAt: number, leases: readonly string[]): void {
    const key = welcome.natsByKey ? this.options.membership.natsKey() : undefined;
    this.logs.connect(welcome.natsUrl, welcome.natsToken, key);
    for (const run of this.engine.state.leases.values()) {
      for (const report of run.reports) this.link.report(reportMessage(run.id, report));
    }
    if (this.preparer.isTold) this.link.report(preparationMessage(this.preparer.told()));
    this.witnesses.welcomed();
    this.engine.post({
      type: "welcome",
      kept: new Set(leaseIds(welcome.keptLeaseIds)),
      named: new Set(leaseIds(leases.filter((lease) => !welcome.undecidedLeaseIds.includes(lease)))),
      sentAt,
      ttlMs: Number(welcome.leaseTtlMs),
    });
    this.remote.connected();
  }
}

const leaseIds = (texts: readonly string[]): LeaseId[] => texts.flatMap((text) => parseLeaseId(text)?.lease ?? []);
