import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { bearer } from "../../shared/credentials.js";
import { ClusterService } from "../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../shared/gen/stoker/v1/experiment_service_pb.js";
import { ExecutionState, type Job, type JobSpecSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { type Connection, connect } from "../../shared/grpc.js";
import { until } from "./until.js";

export type Spec = Extract<MessageInitShape<typeof JobSpecSchema>, { $typeName?: never }>;

export const programs = resolve(import.meta.dirname, "../../dist");
const experiment = "workspaces/bench/experiments/bench";
const slotsPerNode = 8;

/** A coordinator and its agents on this machine, real processes from `dist`, in a folder that goes with them. */
export class Site implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "stoker-bench-"));
  private readonly processes = new Map<string, ChildProcess>();
  private readonly connections: Connection[] = [];
  private jobs = 0;
  address = "";
  private token = "";

  static async start(agents: number): Promise<Site> {
    const site = new Site();
    try {
      await site.startCoordinator();
      await site.prepare(agents);
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
    return site;
  }

  private async startCoordinator(): Promise<void> {
    this.address = `127.0.0.1:${await freePort()}`;
    const data = join(this.folder, "coordinator");
    this.run("coordinator", "stoker-coordinator.js", ["--listen", this.address, "--data-dir", data]);
    const client = await until("the coordinator's token", () => {
      this.token = readFileSync(join(data, "token"), "utf8").trim();
      return this.connection().client(WorkspaceService);
    });
    await until("the coordinator", async () => {
      await client.listWorkspaces({}, { timeoutMs: 1_000 });
      return true;
    });
  }

  private async prepare(agents: number): Promise<void> {
    const connection = this.connection();
    await connection.client(WorkspaceService).createWorkspace({ name: "bench" });
    await connection.client(ExperimentService).createExperiment({ parent: "workspaces/bench", name: "bench" });
    await this.createCluster("all", "any", agents);
    for (let index = 1; index <= agents; index += 1) this.startAgent(`b${index}`);
    const clusters = connection.client(ClusterService);
    await until(`${agents} idle nodes`, async () => {
      const { cluster } = await clusters.getCluster({ id: "workspaces/bench/clusters/all" });
      return cluster?.nodeStateCounts?.idleNodeCount === agents;
    });
  }

  async createCluster(name: string, vmSize: string, targetNodeCount: number): Promise<void> {
    await this.connection()
      .client(ClusterService)
      .createCluster({
        parent: "workspaces/bench",
        name,
        spec: { vmSize, scaleSettings: { manual: { targetNodeCount } } },
      });
  }

  private startAgent(name: string): void {
    this.run(name, "stoker-agent.js", [
      ...["--coordinator", this.address, "--name", name, "--host", "127.0.0.1"],
      ...["--data-dir", join(this.folder, name), "--cpus", String(slotsPerNode)],
      ...["--token-file", join(this.folder, "coordinator", "token")],
    ]);
  }

  private run(name: string, program: string, args: string[]): void {
    mkdirSync(join(this.folder, name), { recursive: true });
    const log = createWriteStream(join(this.folder, `${name}.log`));
    const child = spawn(process.execPath, [join(programs, program), ...args], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.processes.set(name, child);
  }

  /** One more connection, as another client would have it. */
  connection(): Connection {
    const connection = connect(this.address, bearer(this.token));
    this.connections.push(connection);
    return connection;
  }

  /** Submits under a new name; returns the job's id. */
  async submit(connection: Connection, spec: Spec, cluster = "all"): Promise<string> {
    this.jobs += 1;
    const name = `j${this.jobs}`;
    const full = { ...spec, cluster: { id: `workspaces/bench/clusters/${cluster}` } };
    await connection.client(JobService).createJob({ parent: experiment, name, spec: full });
    return `${experiment}/jobs/${name}`;
  }

  /** The job when it has ended; throws unless it succeeded. */
  async succeeded(connection: Connection, id: string): Promise<Job> {
    const job = await this.ended(connection, id);
    if (job.executionState === ExecutionState.SUCCEEDED) return job;
    throw new Error(`${id} failed: ${job.executionInfo?.errors.map((error) => error.message).join("; ")}`);
  }

  async ended(connection: Connection, id: string): Promise<Job> {
    for await (const { job } of connection.client(JobService).watchJob({ id })) {
      if (job?.executionState === ExecutionState.SUCCEEDED || job?.executionState === ExecutionState.FAILED) return job;
    }
    throw new Error(`the watch of ${id} ended before the job`);
  }

  /** A file path in the site's folder for a job to write to. */
  path(name: string): string {
    return join(this.folder, name);
  }

  process(name: string): ChildProcess {
    const child = this.processes.get(name);
    if (!child) throw new Error(`${name} is not running`);
    return child;
  }

  get cliEnvironment(): NodeJS.ProcessEnv {
    return { ...process.env, STOKER_COORDINATOR: this.address, STOKER_TOKEN: this.token, HOME: this.folder };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.connections) connection.close();
    const children = [...this.processes.values()].reverse();
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await exited;
      clearTimeout(late);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
