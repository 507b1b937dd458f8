import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../../scripts/site/processes.js";
import { ClusterService } from "../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../shared/gen/stoker/v1/experiment_service_pb.js";
import { ExecutionState, type JobSpecSchema } from "../../shared/gen/stoker/v1/job_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { type Connection, connect, type ServiceClient } from "../../shared/grpc.js";

type SpecInit = MessageInitShape<typeof JobSpecSchema>;

export const nodes = ["n1", "n2", "n3", "n4"];
export const slotsPerNode = 8;
const workspace = "workspaces/bench";

/** One coordinator, four agents with 8 slots each, and clients of its API. */
export class BenchSite {
  readonly #connections: Connection[] = [];
  #named = 0;

  private constructor(
    readonly local: LocalSite,
    readonly folder: string,
  ) {}

  static async start({
    slots = slotsPerNode,
    tls = "on",
  }: {
    slots?: number;
    tls?: "on" | "off";
  } = {}): Promise<BenchSite> {
    const folder = mkdtempSync(join(tmpdir(), "stoker-bench-"));
    const agentFlags = ["--cpus", String(slots)];
    const site = new BenchSite(
      await LocalSite.start({ folder, nodes, agentFlags, ...(tls === "off" ? { tls } : {}) }),
      folder,
    );
    const connection = site.connection();
    await connection.client(WorkspaceService).createWorkspace({ name: "bench" });
    await site.#createCluster("all", "any");
    // Of a machine class that nobody here has: its jobs stay queued.
    await site.#createCluster("none", "elsewhere");
    await until("the cluster has its nodes", () => site.#allocated(), 20_000);
    return site;
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    await this.local.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get token(): string {
    return readFileSync(this.local.tokenPath, "utf8").trim();
  }

  /** A connection of its own: those that are not encrypted would else share one, and its writes. */
  connection(): Connection {
    const connection = connect(this.local.address, this.local.credential, { apart: true });
    this.#connections.push(connection);
    return connection;
  }

  /** The id of a new experiment: what a figure's jobs are kept apart by. */
  async experiment(name: string): Promise<string> {
    await this.connection().client(ExperimentService).createExperiment({ parent: workspace, name });
    return `${workspace}/experiments/${name}`;
  }

  jobs(): ServiceClient<typeof JobService> {
    return this.connection().client(JobService);
  }

  /** An empty folder that the figure's processes can write to. */
  marks(): string {
    const folder = join(this.folder, "marks", String(this.#named++));
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  async #createCluster(name: string, vmSize: string): Promise<void> {
    const scaleSettings = { manual: { targetNodeCount: nodes.length } };
    const clusters = this.connection().client(ClusterService);
    await clusters.createCluster({ parent: workspace, name, spec: { vmSize, scaleSettings } });
  }

  async #allocated(): Promise<true | undefined> {
    const { cluster } = await this.connection()
      .client(ClusterService)
      .getCluster({ id: `${workspace}/clusters/all` });
    return cluster?.currentNodeCount === nodes.length ? true : undefined;
  }
}

/** A job of one process that takes one slot. */
export const single = (commandLine: string, cluster = "all"): SpecInit => ({
  cluster: { id: cluster },
  nodeCount: 1,
  resources: { cpus: 1 },
  toolkit: { case: "customToolkitSettings", value: { commandLine } },
});

/** A shell command that leaves the time at which it was run in a file. */
export const mark = (path: string) => `echo $EPOCHREALTIME > ${path}`;

/** Milliseconds since the epoch of each mark in the folder, once there are so many. */
export function marked(folder: string, count: number, deadlineMs = 30_000): Promise<number[]> {
  const read = () => {
    const times = readdirSync(folder).map((name) => Number(readFileSync(join(folder, name), "utf8")) * 1000);
    return times.length >= count && times.every((time) => time > 0) ? times : undefined;
  };
  return until(`${count} processes have started`, read, deadlineMs, 5);
}

/** Waits for the job's end without asking again and again. */
export async function finished(jobs: ServiceClient<typeof JobService>, id: string): Promise<void> {
  for await (const { job } of jobs.watchJob({ id })) {
    if (job?.executionState === ExecutionState.SUCCEEDED) return;
    if (job?.executionState === ExecutionState.FAILED) {
      throw new Error(`${id} failed: ${job.executionInfo?.errors.map(({ message }) => message).join("; ")}`);
    }
  }
  throw new Error(`${id} is watched no longer, and has not ended`);
}
