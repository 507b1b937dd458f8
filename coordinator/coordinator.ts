import { join } from "node:path";
import type { Logger } from "pino";
import { assert, unreachable } from "../shared/assert.js";
import { bootClock } from "../shared/boot-clock.js";
import { readOrMakeToken } from "../shared/credentials.js";
import { DiskReserve } from "../shared/disk-reserve.js";
import { jobId } from "../shared/ids.js";
import { Sessions } from "./agents/sessions.js";
import { WitnessKeys } from "./agents/witness-keys.js";
import { CallerAccess } from "./api/caller.js";
import type { ApiPorts } from "./api/ports.js";
import { ApiServer } from "./api/server.js";
import { refuseHalfRestored } from "./backup/restore.js";
import type { Catalog } from "./catalog/catalog.js";
import { lockFolder } from "./catalog/lock.js";
import { Connections, type TlsMode } from "./connections.js";
import type { Effect } from "./core/effects.js";
import { withSealed } from "./core/secrets/reference.js";
import type { Settings } from "./core/settings.js";
import { makeFolder, openCatalog } from "./data-folder.js";
import { Engine } from "./engine.js";
import { engineSettings } from "./engine-settings.js";
import { JobFeed } from "./feed/job-feed.js";
import { publishJob } from "./feed/job-publisher.js";
import { StoredFiles } from "./files/stored-files.js";
import { tellJoinLine, writeAdministrator } from "./first-start.js";
import { type GuardOptions, Guards } from "./guards.js";
import { JobChanges } from "./job-changes.js";
import { FileLinks } from "./links/file-links.js";
import { LogIngest } from "./logs/ingest.js";
import { logSource } from "./logs/log-source.js";
import { LogStore } from "./logs/store.js";
import { Measurements } from "./measurements.js";
import { CoordinatorMetrics } from "./metrics/coordinator-metrics.js";
import type { NatsLink } from "./nats/link.js";
import { openSecrets } from "./open-secrets.js";
import { noOutward, Outward, type OutwardSettings } from "./outward.js";
import { liveGang, liveTest, logOwners } from "./ownership.js";
import { Relays } from "./relays/relays.js";
import { keyPlace, openVault } from "./secrets/key-file.js";
import type { Vault } from "./secrets/vault.js";
import { addServices } from "./services.js";
import { linkPlace, startNats, tokenFileOf, tokenOf } from "./start-parts.js";

export interface CoordinatorOptions extends GuardOptions {
  listen: string;
  dataDir: string;
  /** Given as such; else it is in the file. */
  token: string | undefined;
  tokenFile: string | undefined;
  tls: TlsMode;
  nodeCertificateLifeMs: number;
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
  rootCommands?: Settings["rootCommands"];
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
  /** Absent: nobody is told of anything. */
  outward?: OutwardSettings;
  /** Thresholds, by name. */
  gangWatch?: Readonly<Record<string, string>>;
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
  private readonly outward: Outward;
  private readonly jobs: JobChanges;
  private readonly measurements: Measurements;
  private readonly guards: Guards;
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
    private readonly connections: Connections,
    token: string,
  ) {
    const { log, dataDir, metricsListen: listen = "" } = options;
    this.metrics = new CoordinatorMetrics({ listen, dataDir, log }, () => ({
      ...{ engine: this.engine, sessions: this.sessions, room, nats, logBytes: this.ingest?.bytes ?? 0 },
      deliveries: this.outward.dispatcher.totals,
    }));
    this.outward = new Outward({
      ...{ settings: options.outward ?? noOutward, lab: `stoker://${options.listen}`, vault, room, log },
      state: () => this.engine.state,
      now: () => this.engine.now(),
      tell: (event) => this.engine.tell(event),
      telemetry: (node) => this.sessions.telemetry(node),
      authorityFile: join(dataDir, "pki", "ca.pem"),
    });
    this.engine = new Engine({
      rows: this.outward.watch(this.metrics.watch(catalog)),
      room,
      settings: engineSettings(options, catalog.life, this.outward.coreSettings),
      clock: bootClock(),
      log,
      perform: (effect) => this.perform(effect),
      rebuilt: () =>
        this.sessions.endAll("the coordinator could not write down what was said; connect again and say it again"),
    });
    this.sessions = new Sessions({
      tell: (event) => {
        this.outward.heard(event);
        if (event.kind === "agent-heartbeat") this.relays.heard(event.node);
        this.engine.tell(event);
      },
      gang: (lease) => liveGang(this.engine.state, lease),
      test: (node) => liveTest(this.engine.state, node),
      nats: (authority) => nats.forAgent(authority),
      identities: connections.identities,
      witnessKeys: new WitnessKeys(readOrMakeToken(join(options.dataDir, "witness-secret"))),
      connected: (node) => this.relays.back(node),
      disconnected: (node) => this.relays.gone(node),
      sampled: (node, sample) => this.measurements.take(node, sample),
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
      materials: () => connections.materials,
      keyPath: join(options.dataDir, "link-key"),
      now: () => this.engine.now(),
      open: (directory, path, range, signal) => this.files.open(directory, path, range, signal),
      log,
    });
    this.logStore = new LogStore(join(options.dataDir, "logs"));
    this.measurements = new Measurements({
      ...{ engine: () => this.engine, hasRoom: () => room.low === undefined, dataDir, log },
      thresholds: options.gangWatch ?? {},
    });
    this.jobs = new JobChanges({
      ...{ dataDir, feed: this.feed, histories: this.measurements.histories, log },
      ...{ state: () => this.engine.state, now: () => this.engine.now(), low: () => room.low },
      stopped: (job) => this.sessions.relay.jobStopped(job),
      publish: (job) => publishJob(this.bus, job),
      deleteLogs: (job) => this.logStore.deleteJob(job),
    });
    this.guards = new Guards(options, {
      ...{ engine: this.engine, audit: catalog.audit, token, log },
      fallen: () => this.api.retire((connection) => this.guards.users.isOver(connection)),
    });
    this.api = new ApiServer({
      access: this.guards.audited(
        new CallerAccess(connections.identities, this.guards.users, connections.sharedToken(token)),
      ),
      encryption: connections.encryption,
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
      let running: Coordinator | undefined;
      const state = () => {
        assert(running, "nobody calls before there is a state");
        return running.engine.state;
      };
      const connections = await Connections.open(options, state);
      const starting = startNats(options, connections);
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
      running = new Coordinator(options, lock, catalog, vault, room, nats, connections, token);
      await running.serve();
      return running;
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
    this.connections.close();
    this.relays.close();
    this.links.close();
    this.metrics.close();
    this.sessions.endAll("the coordinator is stopping");
    await this.api.close(closeGraceMs);
    this.guards.stop();
    await this.outward.stop();
    this.engine.stop();
    this.room.stop();
    await this.ingest?.stop();
    this.logStore.close();
    this.jobs.close();
    this.measurements.close();
    await this.bus?.close();
    await this.nats.stop();
    this.catalog[Symbol.dispose]();
    this.lock[Symbol.dispose]();
  }

  private async serve(): Promise<void> {
    const { api } = this;
    addServices(api, this.ports(), this.guards.gate, {
      session: (stream, context) => this.sessions.serve(stream, context),
      relay: (stream, context) => this.relays.serve(stream, context),
    });
    await this.metrics.listen();
    this.room.start();
    this.engine.start();
    this.jobs.sweep();
    this.outward.start();
    this.measurements.start();
    this.logStore
      .sweep((uuid) => this.engine.state.jobs.has(jobId(uuid)))
      .catch((error: unknown) => this.options.log.error({ err: error }, "logs of deleted jobs could not be removed"));
    await this.links.listen();
    this.port = await api.listen(this.options.listen);
    this.guards.start();
    const isEncrypted = this.connections.encryption.kind !== "off";
    const { dataDir } = this.options;
    writeAdministrator({ dataDir, address: this.address, tokenFile: tokenFileOf(this.options), isEncrypted });
    if (this.connections.isNew) await this.tellJoinLine();
    this.identityChanged();
    this.connections.watch(() => {
      api.certificateRenewed();
      this.links.certificateRenewed();
      this.identityChanged();
    });
    // An existing NATS may be away when we start: everything but logs works meanwhile.
    void this.receiveLogs().catch((error: unknown) => this.options.log.error({ err: error }, "NATS cannot be used"));
  }

  private async tellJoinLine(): Promise<void> {
    const { connections, engine, options } = this;
    const path = await tellJoinLine({
      dataDir: options.dataDir,
      address: connections.address(this.port),
      pin: connections.pin(),
      now: engine.now(),
      ask: (event, origin) => engine.ask(event, origin),
    });
    options.log.info(
      { path },
      "the line to run on each machine is in this file; `stoker node token create` makes others",
    );
  }

  private async receiveLogs(): Promise<void> {
    this.bus = await this.nats.connect();
    const owners = logOwners(
      () => this.engine.state,
      (node, address, offset) => {
        this.sessions.logsStored(node, address, offset);
        this.outward.logsStored(address);
      },
    );
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
      ask: (event, context, target) => this.guards.ask(event, context, target),
      access: this.guards.ports,
      audit: this.catalog.audit,
      seal: (key, value) => this.vault.sealText(key, value),
      telemetry: (node) => this.sessions.telemetry(node),
      history: (node, gpus, range) => this.measurements.read(node, gpus, range),
      curves: (attempt) => this.jobs.curves.of(attempt),
      feed: this.feed,
      logs: logSource(this.logStore),
      relays: { ask: (node, purpose, signal) => this.relays.ask(node, purpose, signal) },
      files: this.files,
      links: this.links,
      certificates: {
        issue: (node, request, natsKey) => this.connections.issue(node, request, natsKey),
        issueToUser: (asked) => this.connections.identities.issueToUser(asked),
        pin: () => this.connections.pin(),
        address: () => this.connections.address(this.port),
      },
      events: this.outward.eventPorts,
    };
  }

  /** Who is none of the nodes any more is cut off, here and at NATS. */
  private identityChanged(): void {
    const all = [...this.engine.state.nodeIdentities.values()];
    this.nats.admit(all.filter(({ revokedAt }) => revokedAt === undefined));
    this.api.cutOff((connection) => this.connections.isOver(connection));
  }

  private perform(effect: Effect): void {
    switch (effect.kind) {
      case "job-changed":
        this.jobs.changed(effect.job);
        return;
      case "job-deleted":
        this.jobs.deleted(effect.job);
        return;
      case "identity-changed":
        this.identityChanged();
        return;
      case "node-changed":
        return;
      case "announcement":
        this.outward.dispatcher.announced(effect.number);
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
      case "note-lease":
      case "test-node":
      case "heartbeat-reply":
      case "ack-report":
        this.sessions.perform(openSecrets(effect, this.vault, this.options.log));
        return;
      default:
        unreachable(effect);
    }
  }
}
