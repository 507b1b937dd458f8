import { join } from "node:path";
import type { Logger } from "pino";
import { unreachable } from "../shared/assert.js";
import { bootClock } from "../shared/boot-clock.js";
import { readOrMakeToken, readToken } from "../shared/credentials.js";
import { DiskReserve } from "../shared/disk-reserve.js";
import { Fault } from "../shared/fault.js";
import { AgentService } from "../shared/gen/stoker/v1/agent_service_pb.js";
import { ClusterService } from "../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../shared/gen/stoker/v1/experiment_service_pb.js";
import { FileServerService } from "../shared/gen/stoker/v1/file_server_service_pb.js";
import { JobService } from "../shared/gen/stoker/v1/job_service_pb.js";
import { MachineClassService } from "../shared/gen/stoker/v1/machine_class_service_pb.js";
import { NodeService } from "../shared/gen/stoker/v1/node_service_pb.js";
import { SecretService } from "../shared/gen/stoker/v1/secret_service_pb.js";
import { StatusService } from "../shared/gen/stoker/v1/status_service_pb.js";
import { StorageService } from "../shared/gen/stoker/v1/storage_service_pb.js";
import { WorkspaceService } from "../shared/gen/stoker/v1/workspace_service_pb.js";
import { type JobId, jobId } from "../shared/ids.js";
import { Sessions } from "./agents/sessions.js";
import { WitnessKeys } from "./agents/witness-keys.js";
import { tokenAccess } from "./api/caller.js";
import { clusterHandlers } from "./api/cluster/index.js";
import { experimentHandlers } from "./api/experiment/index.js";
import { fileServerHandlers } from "./api/file-server/index.js";
import { jobHandlers } from "./api/job/index.js";
import { machineClassHandlers } from "./api/machine-class/index.js";
import { nodeHandlers } from "./api/node/index.js";
import type { ApiPorts } from "./api/ports.js";
import { secretHandlers } from "./api/secret/index.js";
import { ApiServer } from "./api/server.js";
import { statusHandlers } from "./api/status/index.js";
import { storageHandlers } from "./api/storage/index.js";
import { workspaceHandlers } from "./api/workspace/index.js";
import { refuseHalfRestored } from "./backup/restore.js";
import type { Catalog } from "./catalog/catalog.js";
import { lockFolder } from "./catalog/lock.js";
import type { Effect } from "./core/effects.js";
import { nodeNamed } from "./core/names.js";
import { withSealed } from "./core/secrets/reference.js";
import { defaultSettings, type Settings } from "./core/settings.js";
import { makeFolder, openCatalog } from "./data-folder.js";
import { Engine } from "./engine.js";
import { JobFeed } from "./feed/job-feed.js";
import { publishJob } from "./feed/job-publisher.js";
import { StoredFiles } from "./files/stored-files.js";
import { Histories } from "./history/histories.js";
import { FileLinks } from "./links/file-links.js";
import { LogIngest } from "./logs/ingest.js";
import { logSource } from "./logs/log-source.js";
import { LogStore } from "./logs/store.js";
import { CoordinatorMetrics } from "./metrics/coordinator-metrics.js";
import { NatsLink } from "./nats/link.js";
import { openSecrets } from "./open-secrets.js";
import { judgeLog, liveGang, liveTest, logNode } from "./ownership.js";
import { Relays } from "./relays/relays.js";
import { keyPlace, openVault } from "./secrets/key-file.js";
import type { Vault } from "./secrets/vault.js";

export interface CoordinatorOptions {
  listen: string;
  dataDir: string;
  /** Given as such; else it is in the file. */
  token: string | undefined;
  tokenFile: string | undefined;
  natsUrl: string | undefined;
  natsTokenFile: string | undefined;
  natsServer: string;
  natsPort: number;
  advertiseHost: string | undefined;
  /** Of links to files: a port, "off", or undefined for the one after `listen`'s. */
  filesPort: number | "off" | undefined;
  /** For Prometheus; absent or "": none. */
  metricsListen?: string;
  heartbeatIntervalMs: number;
  leaseTtlMs: number;
  leaseMarginMs: number;
  killGraceSeconds: number;
  machineClasses: Record<string, string>;
  /** Else a credential of systemd, or in the data folder. */
  secretKeyFile: string | undefined;
  policy: Settings["policy"];
  witnesses: boolean;
  /** Bytes: see Settings.logLimitBytes. */
  logLimit: number;
  /** See Settings.setupLimitMs, which has the default. */
  setupLimit?: number | undefined;
  scaleDownIdle?: number | undefined;
  waitingLong?: number | undefined;
  /** Bytes of free space that are kept for what runs. */
  diskReserve: number;
  log: Logger;
}

/** Streams that are still open then are cut: their callers connect again. */
const closeGraceMs = 500;

/** The composition root: the only file that knows every part. */
export class Coordinator {
  private readonly feed = new JobFeed();
  private readonly metrics: CoordinatorMetrics;
  private readonly engine: Engine;
  private readonly sessions: Sessions;
  private readonly relays: Relays;
  private readonly files: StoredFiles;
  private readonly links: FileLinks;
  private readonly logStore: LogStore;
  private readonly histories: Histories;
  private readonly api: ApiServer;
  private ingest: LogIngest | undefined;
  private bus: Awaited<ReturnType<NatsLink["connect"]>> | undefined;
  private port = 0;

  private constructor(
    private readonly options: CoordinatorOptions,
    private readonly lock: Disposable,
    private readonly catalog: Catalog,
    private readonly vault: Vault,
    private readonly room: DiskReserve,
    private readonly nats: NatsLink,
    token: string,
  ) {
    const { log, dataDir, metricsListen: listen = "" } = options;
    this.metrics = new CoordinatorMetrics({ listen, dataDir, log }, () => ({
      ...{ engine: this.engine, sessions: this.sessions, room, nats, logBytes: this.ingest?.bytes ?? 0 },
    }));
    this.engine = new Engine({
      rows: this.metrics.watch(catalog),
      room,
      settings: {
        leaseTtlMs: options.leaseTtlMs,
        marginMs: options.leaseMarginMs,
        heartbeatIntervalMs: options.heartbeatIntervalMs,
        killGraceSeconds: options.killGraceSeconds,
        machineClasses: options.machineClasses,
        policy: options.policy,
        witnesses: options.witnesses,
        logLimitBytes: options.logLimit,
        setupLimitMs: options.setupLimit ?? defaultSettings.setupLimitMs,
        scaleDownIdleMs: options.scaleDownIdle ?? defaultSettings.scaleDownIdleMs,
        waitingLongMs: options.waitingLong ?? defaultSettings.waitingLongMs,
        life: catalog.life,
      },
      clock: bootClock(),
      log,
      perform: (effect) => this.perform(effect),
      rebuilt: () =>
        this.sessions.endAll("the coordinator could not write down what was said; connect again and say it again"),
    });
    this.sessions = new Sessions({
      tell: (event) => this.engine.tell(event),
      gang: (lease) => liveGang(this.engine.state, lease),
      test: (node) => liveTest(this.engine.state, node),
      nats: (authority) => nats.forAgent(authority),
      witnessKeys: new WitnessKeys(readOrMakeToken(join(options.dataDir, "witness-secret"))),
      connected: (node) => this.relays.back(node),
      disconnected: (node) => this.relays.gone(node),
      sampled: (node, sample) =>
        this.room.low === undefined &&
        this.histories.take(nodeNamed(this.engine.state, node), this.engine.now(), sample),
      log,
    });
    this.relays = new Relays({
      order: (node, value) => this.sessions.send(node, { case: "openRelay", value }),
    });
    this.files = new StoredFiles({
      state: () => this.engine.state,
      reaches: (node) => this.sessions.reaches(node),
      ask: (node, purpose, signal) => this.relays.ask(node, purpose, signal),
      // The volumes' keys may be secrets.
      open: (place) => openSecrets(withSealed(this.engine.state, place), vault, log),
    });
    this.links = new FileLinks({
      ...linkPlace(options),
      keyPath: join(options.dataDir, "link-key"),
      now: () => this.engine.now(),
      open: (directory, path, range, signal) => this.files.open(directory, path, range, signal),
      log,
    });
    this.logStore = new LogStore(join(options.dataDir, "logs"));
    this.histories = new Histories(join(options.dataDir, "history"), log);
    this.api = new ApiServer({
      access: tokenAccess(token),
      report: (error) => log.error({ err: error }, "a call failed"),
    });
  }

  /** Resolves when calls are answered. */
  static async start(options: CoordinatorOptions): Promise<Coordinator> {
    makeFolder(options.dataDir);
    refuseHalfRestored(options.dataDir);
    const opened: Array<() => unknown> = [];
    try {
      const lock = lockFolder(options.dataDir);
      opened.push(() => lock[Symbol.dispose]());
      // It takes a while to come up, and longer where a killed coordinator has left one behind: the catalog is opened meanwhile.
      const starting = startNats(options);
      opened.push(() =>
        starting.then(
          (nats) => nats.stop(),
          () => undefined,
        ),
      );
      const room = new DiskReserve({ dir: options.dataDir, bytes: options.diskReserve, log: options.log });
      const vault = openVault(keyPlace(options.secretKeyFile, options.dataDir, process.env));
      const catalog = openCatalog(options.dataDir, room, vault);
      opened.push(() => catalog[Symbol.dispose]());
      const token = tokenOf(options);
      const nats = await starting;
      const coordinator = new Coordinator(options, lock, catalog, vault, room, nats, token);
      await coordinator.serve();
      return coordinator;
    } catch (error) {
      for (const close of opened.reverse()) await close();
      throw error;
    }
  }

  /** `host:port`, with the port that was chosen when 0 was asked for. */
  get address(): string {
    return this.options.listen.replace(/:\d+$/, `:${this.port}`);
  }

  /** What was accepted is on disk, and nothing of ours runs any more. Ranks go on. */
  async stop(): Promise<void> {
    this.relays.close();
    this.links.close();
    this.metrics.close();
    this.sessions.endAll("the coordinator is stopping");
    await this.api.close(closeGraceMs);
    this.engine.stop();
    this.room.stop();
    await this.ingest?.stop();
    this.logStore.close();
    this.histories.close();
    await this.bus?.close();
    await this.nats.stop();
    this.catalog[Symbol.dispose]();
    this.lock[Symbol.dispose]();
  }

  private async serve(): Promise<void> {
    const { api } = this;
    const ports = this.ports();
    api.add(WorkspaceService, workspaceHandlers(ports));
    api.add(ClusterService, clusterHandlers(ports));
    api.add(FileServerService, fileServerHandlers(ports));
    api.add(StorageService, storageHandlers(ports));
    api.add(SecretService, secretHandlers(ports));
    api.add(MachineClassService, machineClassHandlers(ports));
    api.add(ExperimentService, experimentHandlers(ports));
    api.add(JobService, jobHandlers(ports));
    api.add(NodeService, nodeHandlers(ports));
    api.add(StatusService, statusHandlers(ports));
    api.add(AgentService, {
      session: (stream, context) => this.sessions.serve(stream, context),
      relay: (stream, context) => this.relays.serve(stream, context),
    });
    await this.metrics.listen();
    this.room.start();
    this.engine.start();
    this.logStore
      .sweep((uuid) => this.engine.state.jobs.has(jobId(uuid)))
      .catch((error: unknown) => this.options.log.error({ err: error }, "logs of deleted jobs could not be removed"));
    await this.links.listen();
    this.port = await api.listen(this.options.listen);
    // An existing NATS may be away when we start: everything but logs works meanwhile.
    void this.receiveLogs().catch((error: unknown) => this.options.log.error({ err: error }, "NATS cannot be used"));
  }

  private async receiveLogs(): Promise<void> {
    this.bus = await this.nats.connect();
    const owners = {
      judge: (address: Parameters<typeof judgeLog>[1], node: string) => judgeLog(this.engine.state, address, node),
      stored: (address: Parameters<typeof judgeLog>[1], node: string, offset: number) => {
        const name = logNode(this.engine.state, address, node);
        if (name !== undefined) this.sessions.logsStored(name, address, offset);
      },
    };
    this.ingest = new LogIngest(this.bus, this.logStore, owners, this.room, this.options.log);
    this.ingest.start();
  }

  private ports(): ApiPorts {
    return {
      state: () => this.engine.state,
      now: () => this.engine.now(),
      readOnly: () => this.engine.readOnly,
      health: () => ({
        startedAt: this.engine.startedAtMs,
        ...(this.nats.problem === undefined ? {} : { natsProblem: this.nats.problem }),
      }),
      ask: (event) => this.engine.ask(event),
      seal: (key, value) => this.vault.sealText(key, value),
      telemetry: (node) => this.sessions.telemetry(node),
      history: (node, gpus, range) => this.histories.read(node, gpus, { ...range, now: this.engine.now() }),
      feed: this.feed,
      logs: logSource(this.logStore),
      relays: { ask: (node, purpose, signal) => this.relays.ask(node, purpose, signal) },
      files: this.files,
      links: this.links,
    };
  }

  private perform(effect: Effect): void {
    switch (effect.kind) {
      case "job-changed":
        this.jobChanged(effect.job);
        return;
      case "job-deleted":
        this.jobDeleted(effect.job);
        return;
      case "node-changed":
      case "announcement":
        return;
      case "ignored":
        this.options.log.warn({ node: effect.node, reason: effect.reason }, "not believed");
        return;
      case "welcome":
      case "refuse-session":
      case "grant-lease":
      case "start-ranks":
      case "stop-lease":
      case "set-mounts":
      case "set-exports":
      case "set-witnesses":
      case "test-node":
      case "heartbeat-reply":
      case "ack-report":
        this.sessions.perform(openSecrets(effect, this.vault, this.options.log));
        return;
      default:
        unreachable(effect);
    }
  }

  private jobChanged(uuid: JobId): void {
    this.feed.changed(uuid);
    const job = this.engine.state.jobs.get(uuid);
    if (!job) return;
    const { kind } = job.state;
    if (kind !== "preparing" && kind !== "running") this.sessions.relay.jobStopped(uuid);
    publishJob(this.bus, { uuid, state: kind, attempt: job.attempt });
  }

  private jobDeleted(uuid: JobId): void {
    this.feed.changed(uuid);
    this.sessions.relay.jobStopped(uuid);
    this.logStore.deleteJob(uuid).catch((error: unknown) => {
      this.options.log.error({ err: error, job: uuid }, "a deleted job's logs could not be removed");
    });
  }
}

/** On the address of the API, and the port after its own where none is named. */
function linkPlace({ listen, filesPort, advertiseHost }: CoordinatorOptions) {
  const [, host = "", port = "0"] = /^(.*):(\d+)$/.exec(listen) ?? [];
  const next = Number(port) === 0 ? 0 : Number(port) + 1;
  return {
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port: filesPort === "off" ? undefined : (filesPort ?? (next > 65_535 ? undefined : next)),
    isAsked: filesPort !== undefined,
    advertiseHost,
  };
}

/** A file that was named wins over the environment. */
function tokenOf({ token, tokenFile, dataDir }: CoordinatorOptions): string {
  if (tokenFile !== undefined) return readOrMakeToken(tokenFile);
  return token ?? readOrMakeToken(join(dataDir, "token"));
}

function startNats(options: CoordinatorOptions): Promise<NatsLink> {
  const {
    natsUrl,
    natsTokenFile,
    natsServer: programPath,
    natsPort: port,
    advertiseHost,
    dataDir,
    listen,
    log,
  } = options;
  if (natsUrl !== undefined) {
    const token = natsTokenFile === undefined ? undefined : readToken(natsTokenFile);
    if (natsTokenFile !== undefined && token === undefined) {
      throw new Fault("invalid-argument", `--nats-token-file: there is no file ${natsTokenFile}`);
    }
    return Promise.resolve(NatsLink.existing({ url: natsUrl, token, log }));
  }
  const dir = join(dataDir, "nats");
  return NatsLink.own({
    program: programPath,
    dir,
    listen,
    port,
    token: readOrMakeToken(join(dir, "token")),
    advertiseHost,
    log,
  });
}
