import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { IdentityFile } from "../../../agent/identity/identity-file.js";
import { joinMachine } from "../../../agent/join-machine.js";
import { Daemon, freePort, killAll, until } from "../../../scripts/site/processes.js";
import { bearer, type Credential, trusting } from "../../../shared/credentials.js";
import { Fault } from "../../../shared/fault.js";
import { JoinService } from "../../../shared/gen/stoker/v1/join_service_pb.js";
import { type Connection, connect } from "../../../shared/grpc.js";
import { checkout, copyAddOns } from "../site/bundle.js";
import { compileRank } from "./compile-rank.js";
import type { Ground, NodeVictim, Victim } from "./ground.js";
import { groupsIn, makeGroup, removeGroup } from "./groups.js";
import {
  attemptProcessesUnder,
  mountsUnder,
  natsServersUnder,
  shimsUnder,
  signal,
  watchdogsOf,
} from "./host-processes.js";
import { type Direction, Wire } from "./wire.js";

export interface HostSettings {
  nodes: number;
  cpusPerNode: number;
  ttlMs: number;
  marginMs: number;
  heartbeatMs: number;
}

/** Real processes of this host, without any lab machine: each agent is a node of its own, with a wire that can be cut. */
export class HostGround implements Ground {
  readonly nodes: HostNode[];
  readonly coordinator: HostDaemon;
  readonly journals: string;
  readonly recoveryMs = 4_500;
  readonly sharesHost = true;
  readonly share = undefined;
  readonly #connections: Connection[] = [];

  private constructor(
    readonly settings: HostSettings,
    readonly folder: string,
    private readonly address: string,
    wires: Wire[],
    private readonly group: string | undefined,
  ) {
    const { ttlMs, marginMs, heartbeatMs } = settings;
    this.journals = join(folder, "journals");
    const times = { "--lease-ttl-ms": ttlMs, "--lease-margin-ms": marginMs, "--heartbeat-interval-ms": heartbeatMs };
    this.coordinator = new HostDaemon(folder, "stoker-coordinator", "coordinator", [
      ...["--listen", address, "--data-dir", this.#data, "--token-file", this.#token, "--kill-grace-seconds", "2"],
      // Its port could be the one of another coordinator of this host.
      ...["--files-port", "off"],
      ...Object.entries(times).flatMap(([flag, ms]) => [flag, String(ms)]),
    ]);
    this.nodes = wires.map((wire, index) => {
      const name = `n${index + 1}`;
      // Half of them freeze what they run in another way.
      const own = group !== undefined && index % 2 === 0 ? join(group, name) : undefined;
      return new HostNode(folder, name, wire, settings.cpusPerNode, own);
    });
  }

  get ttlMs(): number {
    return this.settings.ttlMs;
  }

  get marginMs(): number {
    return this.settings.marginMs;
  }

  get cpusPerNode(): number {
    return this.settings.cpusPerNode;
  }

  get #data(): string {
    return join(this.folder, "coordinator");
  }

  get #authority(): string {
    return join(this.#data, "pki", "ca.pem");
  }

  get #credential(): Credential {
    const authority = readFileSync(this.#authority, "utf8");
    return trusting({ authority }, bearer(readFileSync(this.#token, "utf8").trim()));
  }

  get #token(): string {
    return join(this.folder, "token");
  }

  /** Its programs are copies: another build must not come between two starts. */
  static async raise(settings: HostSettings): Promise<HostGround> {
    const folder = mkdtempSync(join(tmpdir(), "stoker-chaos-"));
    for (const name of ["logs", "home", "journals"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "empty.yaml"), "");
    writeFileSync(join(folder, "token"), `${"chaos".repeat(8)}\n`, { mode: 0o600 });
    const ofAnotherKind = (path: string) => /\/dist\/(packages|\.new-)/.test(path);
    cpSync(join(checkout, "dist"), join(folder, "programs"), {
      recursive: true,
      filter: (path) => !ofAnotherKind(path),
    });
    copyAddOns(join(folder, "programs"));
    compileRank(join(folder, "rank"));
    const port = await freePort();
    const wires = await Promise.all(Array.from({ length: settings.nodes }, () => Wire.open("127.0.0.1", port)));
    const group = makeGroup(basename(folder), join(folder, "programs", "stoker-shim"));
    const ground = new HostGround(settings, folder, `127.0.0.1:${port}`, wires, group);
    await ground.coordinator.start();
    const { token } = await until("a joining token", () => ground.#joinToken(), 20_000);
    for (const node of ground.nodes) {
      await node.join(token);
      await node.start();
    }
    return ground;
  }

  async #joinToken(): Promise<{ token: string } | undefined> {
    if (!existsSync(this.#authority)) return undefined;
    const connection = connect(this.address, this.#credential);
    try {
      return await connection.client(JoinService).createJoinToken({ uses: this.nodes.length }, { timeoutMs: 5_000 });
    } catch (error) {
      if (error instanceof Fault && error.code === "unavailable") return undefined;
      throw error;
    } finally {
      connection.close();
    }
  }

  rankCommand(words: string[]): string {
    return `exec ${[join(this.folder, "rank"), this.journals, ...words].join(" ")}`;
  }

  connect(): Connection {
    const connection = connect(this.address, this.#credential);
    this.#connections.push(connection);
    return connection;
  }

  async killNats(): Promise<boolean> {
    return natsServersUnder(this.#data)
      .map((pid) => signal(pid, "SIGKILL"))
      .includes(true);
  }

  async freezeNats(): Promise<() => void> {
    return frozen(natsServersUnder(this.#data));
  }

  async revive(): Promise<void> {
    for (const daemon of [this.coordinator, ...this.nodes.map(({ agent }) => agent)]) await daemon.revive();
  }

  async crashes(): Promise<string[]> {
    return [this.coordinator, ...this.nodes.map(({ agent }) => agent)].flatMap((daemon) => daemon.crashes);
  }

  async leftovers(): Promise<string[]> {
    const processes = attemptProcessesUnder(this.folder).map(
      ({ pid, words }) => `process ${pid} ${words.join(" ").slice(0, 200)}`,
    );
    const folders = this.nodes.flatMap(({ data }) =>
      ["ledger", "spool", "fences"].flatMap((name) => entriesOf(join(data, name))),
    );
    // Of jobs' own folders there may be empty ones above.
    const files = this.nodes.flatMap(({ data }) => [
      ...filesUnder(join(data, "jobs")),
      ...filesUnder(join(data, "trash")),
    ]);
    const groups = this.nodes.flatMap(({ group }) => (group === undefined ? [] : groupsIn(group)));
    return [
      ...groups.map((path) => `control group ${path}`),
      ...processes,
      ...mountsUnder(this.folder).map((path) => `mount ${path}`),
      ...[...folders, ...files.slice(0, 10)].map((path) => `file ${path}`),
    ];
  }

  /** `kept`: its folder stays, to be looked at. */
  async stop(kept = false): Promise<void> {
    for (const connection of this.#connections) connection.close();
    for (const daemon of [...this.nodes.map(({ agent }) => agent), this.coordinator]) await daemon.kill();
    await killAll(`${this.folder}/`);
    for (const { wire } of this.nodes) await wire.close();
    for (const path of mountsUnder(this.folder)) execFileSync("umount", ["-l", path]);
    if (this.group !== undefined) removeGroup(this.group);
    if (!kept) rmSync(this.folder, { recursive: true, force: true });
  }
}

class HostDaemon implements Victim {
  readonly crashes: string[] = [];
  #daemon: Daemon | undefined;
  #killed = false;

  constructor(
    private readonly folder: string,
    private readonly program: string,
    private readonly name: string,
    private readonly flags: string[],
  ) {}

  async start(): Promise<void> {
    const before = this.#daemon;
    if (before !== undefined && !before.ended) return;
    this.#noteCrash();
    this.#killed = false;
    const { folder } = this;
    const program = join(folder, "programs", `${this.program}.js`);
    const log = join(folder, "logs", `${this.name}.log`);
    this.#daemon = new Daemon(
      program,
      ["--config", join(folder, "empty.yaml"), ...this.flags],
      log,
      join(folder, "home"),
    );
  }

  async kill(): Promise<void> {
    this.#noteCrash();
    this.#killed = true;
    await this.#daemon?.stop("SIGKILL");
  }

  async freeze(): Promise<() => void> {
    return this.#daemon === undefined || this.#daemon.ended ? () => {} : frozen([this.#daemon.pid]);
  }

  /** As systemd would, of one that ended by itself. */
  async revive(): Promise<void> {
    if (this.#daemon?.ended && !this.#killed) await this.start();
  }

  #noteCrash(): void {
    if (this.#daemon?.ended && !this.#killed)
      this.crashes.push(`${this.name} ended by itself: ${lastWords(this.#daemon.logPath)}`);
  }
}

class HostNode implements NodeVictim {
  readonly data: string;
  readonly agent: HostDaemon;

  constructor(
    folder: string,
    readonly name: string,
    readonly wire: Wire,
    cpus: number,
    readonly group: string | undefined,
  ) {
    this.data = join(folder, name);
    if (group !== undefined) mkdirSync(group);
    this.agent = new HostDaemon(folder, "stoker-agent", name, [
      ...[
        "--host",
        "127.0.0.1",
        "--data-dir",
        this.data,
        "--cpus",
        String(cpus),
        // The same after each start, as on a machine of its own: a witness at another address is not the one that was named. Free in UDP, as it is
        // the wire's in TCP.
        "--witness-port",
        String(wire.port),
        "--cgroup",
        group ?? "off",
      ],
    ]);
  }

  /** By the wire, as all that it says. */
  async join(token: string): Promise<void> {
    await joinMachine(new IdentityFile(this.data), {
      coordinator: `127.0.0.1:${this.wire.port}`,
      token,
      node: this.name,
    });
  }

  kill = () => this.agent.kill();
  start = () => this.agent.start();
  freeze = () => this.agent.freeze();

  async killShim(pick: number): Promise<boolean> {
    const shims = shimsUnder(join(this.data, "spool"));
    const pid = shims[Math.floor(pick * shims.length)];
    return pid !== undefined && signal(pid, "SIGKILL");
  }

  async killWatchdog(): Promise<boolean> {
    return watchdogsOf(this.data)
      .map((pid) => signal(pid, "SIGKILL"))
      .includes(true);
  }

  async freezeWatchdog(): Promise<() => void> {
    return frozen(watchdogsOf(this.data));
  }

  async cut(directions: readonly Direction[]): Promise<void> {
    this.wire.cut(directions);
  }

  async heal(reset: boolean): Promise<void> {
    this.wire.heal(reset);
  }

  /** The agent first, which could report the rest. */
  async cutPower(): Promise<void> {
    const ended = this.agent.kill();
    await killAll(`${this.data}/`);
    for (const pid of watchdogsOf(this.data)) signal(pid, "SIGKILL");
    await ended;
  }

  powerOn = () => this.agent.start();
}

function frozen(pids: number[]): () => void {
  for (const pid of pids) signal(pid, "SIGSTOP");
  return () => {
    for (const pid of pids) signal(pid, "SIGCONT");
  };
}

function entriesOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The folder may be gone by the time that somebody reads of it. */
function lastWords(logPath: string): string {
  const lines = existsSync(logPath) ? readFileSync(logPath, "utf8").trimEnd().split("\n") : [];
  return [logPath, ...lines.slice(-6)].join("\n  ");
}
