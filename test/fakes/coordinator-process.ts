import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { DescService } from "@bufbuild/protobuf";
import { killAll } from "../../scripts/site/processes.js";
import { bearer, plain } from "../../shared/credentials.js";
import { ClusterService } from "../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../shared/gen/stoker/v1/experiment_service_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { type Connection, connect, type ServiceClient } from "../../shared/grpc.js";
import type { SmallDisk } from "./small-disk.js";
import { until } from "./until.js";

const program = resolve(import.meta.dirname, "../../dist/stoker-coordinator.js");

/** The built coordinator as a process, with a data folder of its own that outlives its restarts. */
export class CoordinatorProcess {
  readonly dataDir: string;
  /** `host:port`, the same after a restart. */
  address = "127.0.0.1:0";
  output = "";
  private child: ChildProcess | undefined;
  private readonly connections: Connection[] = [];

  /** With a disk, its data folder is there. */
  constructor(private readonly disk?: SmallDisk) {
    this.dataDir = disk?.dir ?? mkdtempSync(join(tmpdir(), "stoker-daemon-"));
  }

  /** Resolves when it is ready, or with its exit code when it ends before. */
  async start(flags: string[] = [], variables: Record<string, string> = {}): Promise<number | "ready"> {
    this.output = "";
    const all = [
      "--config",
      "/dev/null",
      "--listen",
      this.address,
      "--data-dir",
      this.disk?.inside ?? this.dataDir,
      // Tests of identities have sites of their own: see test/identity.
      ...["--tls", "off"],
      ...flags,
    ];
    const { STOKER_TOKEN: _, STOKER_TOKEN_FILE: __, ...environment } = { ...process.env, ...variables };
    const [command, ...words] = [...(this.disk?.enter ?? []), process.execPath, program, ...all];
    const child = spawn(command ?? process.execPath, words, { stdio: ["ignore", "pipe", "pipe"], env: environment });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (bytes: Buffer) => {
        this.output += bytes.toString();
      });
    }
    const ready = await until(
      "the coordinator starts or ends",
      () => this.readyAddress() ?? child.exitCode ?? undefined,
      20_000,
    );
    if (typeof ready === "number") return ready;
    this.address = ready;
    await this.answers();
    return "ready";
  }

  /** Connections of this process back off from an address that was dead a moment ago. */
  private async answers(): Promise<void> {
    const workspaces = this.client(WorkspaceService);
    const deadline = Date.now() + 10_000;
    for (;;) {
      try {
        await workspaces.listWorkspaces({});
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  get token(): string {
    return readFileSync(join(this.dataDir, "token"), "utf8").trim();
  }

  client<S extends DescService>(service: S, token = this.token): ServiceClient<S> {
    const connection = connect(this.address, plain(bearer(token)));
    this.connections.push(connection);
    return connection.client(service);
  }

  get jobs(): ServiceClient<typeof JobService> {
    return this.client(JobService);
  }

  /** `workspaces/w`, its experiment `e`, whose id is given, and its cluster `c`, which takes every machine, up to 4. */
  async furnish(name = "w"): Promise<string> {
    const workspace = `workspaces/${name}`;
    await this.client(WorkspaceService).createWorkspace({ name });
    await this.client(ExperimentService).createExperiment({ parent: workspace, name: "e" });
    const scaleSettings = { autoScale: { minimumNodeCount: 0, maximumNodeCount: 4 } };
    await this.client(ClusterService).createCluster({
      parent: workspace,
      name: "c",
      spec: { vmSize: "any", scaleSettings },
    });
    return `${workspace}/experiments/e`;
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
    return child.exitCode;
  }

  async dispose(): Promise<void> {
    for (const connection of this.connections) connection.close();
    await this.end("SIGTERM");
    if (this.disk) return;
    // One that was killed leaves its NATS, for a successor that does not come.
    await killAll(`${this.dataDir}/`);
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  private readyAddress(): string | undefined {
    const line = this.output.split("\n").find((each) => each.includes('"msg":"ready"'));
    return line && String(JSON.parse(line).address);
  }
}

/** A job of one process on the cluster `c`. */
export const tinyJob = (commandLine = "true") => ({
  cluster: { id: "c" },
  nodeCount: 1,
  resources: { cpus: 1 },
  toolkit: { case: "customToolkitSettings" as const, value: { commandLine } },
});

export const inExperiment = { parent: "workspaces/w/experiments/e" };
