import { existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bearer, trusting } from "../../../shared/credentials.js";
import { type Connection, connect } from "../../../shared/grpc.js";
import { startDetached } from "../machines/command.js";
import { addressOf, control, filer, labFolder } from "../machines/settings.js";
import { until } from "../machines/until.js";
import type { Coordinator } from "../site/coordinator.js";
import { leftoversOn } from "../site/leftovers.js";
import { Site } from "../site/site.js";
import type { Stage } from "../stage.js";
import { compileRank } from "./compile-rank.js";
import type { Ground, Victim } from "./ground.js";
import { natsServersUnder, signal } from "./host-processes.js";
import { LabNode } from "./lab-node.js";

const cpusPerNode = 4;
const mounted = "$AZ_BATCHAI_JOB_MOUNT_ROOT/share";

/** Machines of the lab: each with a network, disk and units of its own, whose power can be cut. */
export class LabGround implements Ground {
  readonly nodes: LabNode[];
  readonly coordinator: LabCoordinator;
  readonly cpusPerNode = cpusPerNode;
  readonly marginMs: number;
  // A machine starts, and its units.
  readonly recoveryMs = 9_000;
  readonly sharesHost = false;
  readonly share = { host: filer, export: "/share" };
  readonly journals: string;
  readonly #connections: Connection[] = [];

  private constructor(
    private readonly site: Site,
    readonly ttlMs: number,
  ) {
    const { lab } = site.stage;
    this.marginMs = marginOf(ttlMs);
    this.journals = join(lab.filer.shareFolder, "journals");
    this.coordinator = new LabCoordinator(site.coordinator);
    this.nodes = lab.machines.map((machine) => new LabNode(lab, machine));
  }

  static async raise(stage: Stage, ttlMs: number): Promise<LabGround> {
    const times = { "lease-ttl-ms": ttlMs, "lease-margin-ms": marginOf(ttlMs), "heartbeat-interval-ms": ttlMs / 6 };
    const flags = Object.entries(times).flatMap(([name, ms]) => [`--${name}`, String(ms)]);
    const settings = () => ({ cpus: String(cpusPerNode) });
    const site = await Site.ofNodes(stage, settings, [...flags, "--kill-grace-seconds", "2"]);
    const ground = new LabGround(site, ttlMs);
    mkdirSync(ground.journals);
    // The machines have other libraries than this host.
    compileRank(join(stage.lab.filer.shareFolder, "rank"), "-static");
    await ground.#openRelay();
    return ground;
  }

  rankCommand(words: string[]): string {
    return `exec ${[`${mounted}/rank`, `${mounted}/journals`, ...words].join(" ")}`;
  }

  connect(): Connection {
    const { dataFolder, tokenPath } = this.site.coordinator;
    const authority = readFileSync(join(dataFolder, "pki", "ca.pem"), "utf8");
    const credential = trusting({ authority }, bearer(readFileSync(tokenPath, "utf8").trim()));
    const connection = connect(`unix:${relaySocket}`, credential);
    this.#connections.push(connection);
    return connection;
  }

  async killNats(): Promise<boolean> {
    return this.#natsServers()
      .map((pid) => signal(pid, "SIGKILL"))
      .includes(true);
  }

  async freezeNats(): Promise<() => void> {
    const pids = this.#natsServers();
    for (const pid of pids) signal(pid, "SIGSTOP");
    return () => {
      for (const pid of pids) signal(pid, "SIGCONT");
    };
  }

  revive = () => this.coordinator.revive();

  async crashes(): Promise<string[]> {
    return [...this.coordinator.crashes, ...(await Promise.all(this.nodes.map((node) => node.crashes()))).flat()];
  }

  async leftovers(): Promise<string[]> {
    const found = await Promise.all(
      this.nodes.map(async ({ name, machine }) => (await leftoversOn(machine)).map((line) => `${name}: ${line}`)),
    );
    return found.flat();
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.close();
  }

  #natsServers = () => natsServersUnder(this.site.coordinator.dataFolder);

  async #openRelay(): Promise<void> {
    const program = join(import.meta.dirname, "..", "machines", "relay.ts");
    const [host = "", port = ""] = [addressOf(control), "7741"];
    const argv = [process.execPath, ...process.execArgv, program, relaySocket, host, port];
    startDetached(this.site.stage.lab.onControl(argv), openSync(join(labFolder, "relay.log"), "a"));
    await until("the way into the lab's network is open", async () => existsSync(relaySocket), 30_000);
  }
}

const relaySocket = join(labFolder, "coordinator.sock");
const marginOf = (ttlMs: number) => ttlMs / 4;

class LabCoordinator implements Victim {
  readonly crashes: string[] = [];
  #killed = false;

  constructor(private readonly coordinator: Coordinator) {}

  async start(): Promise<void> {
    if (this.coordinator.pid !== undefined) return;
    this.#killed = false;
    this.coordinator.launch();
  }

  async kill(): Promise<void> {
    this.#noteCrash();
    this.#killed = true;
    if (this.coordinator.pid !== undefined) await this.coordinator.kill();
  }

  async freeze(): Promise<() => void> {
    const { pid } = this.coordinator;
    if (pid === undefined) return () => {};
    signal(pid, "SIGSTOP");
    return () => {
      signal(pid, "SIGCONT");
    };
  }

  /** As systemd would, of one that ended by itself. */
  async revive(): Promise<void> {
    if (this.#killed || this.coordinator.pid !== undefined) return;
    this.#noteCrash();
    await this.start();
  }

  #noteCrash(): void {
    if (this.#killed || this.coordinator.pid !== undefined) return;
    this.crashes.push(`the coordinator ended by itself: ${this.coordinator.logPath}`);
  }
}
