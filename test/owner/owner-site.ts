import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalSite } from "../../scripts/site/local-site.js";
import { until } from "../../scripts/site/processes.js";
import { ClusterService } from "../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../shared/gen/stoker/v1/experiment_service_pb.js";
import type { Job } from "../../shared/gen/stoker/v1/job_pb.js";
import { JobService } from "../../shared/gen/stoker/v1/job_service_pb.js";
import { WorkspaceService } from "../../shared/gen/stoker/v1/workspace_service_pb.js";
import { type Connection, connect } from "../../shared/grpc.js";

const nodes = ["n1", "n2"];
const patienceMs = 60_000;
const parent = "workspaces/w/experiments/e";
const id = `${parent}/jobs/j`;

/** A process of the job, by the times at which it has written a line; milliseconds since the epoch. */
export interface Run {
  attempt: number;
  node: string;
  firstMs: number;
  lastMs: number;
}

/**
 * Two machines with an owner each, and a job of one process that writes down the time while it runs. Who sits at a machine is told by
 * logind's folder, of which the agents see one of the test's own: to be run as root.
 */
export class OwnerSite {
  private constructor(
    readonly local: LocalSite,
    private readonly folder: string,
    private readonly connection: Connection,
  ) {}

  static async start(): Promise<OwnerSite> {
    const folder = mkdtempSync(join(tmpdir(), "stoker-owner-"));
    for (const name of ["sessions", "beats"]) mkdirSync(join(folder, name));
    const policyOf = (node: string) => join(folder, `policy-${node}.yaml`);
    for (const node of nodes) writeFileSync(policyOf(node), "");
    const seeing = `mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/sessions && mount --bind ${folder}/sessions /run/systemd/sessions && exec "$@"`;
    const local = await LocalSite.start({
      ...{ folder, nodes, agentEnter: ["unshare", "-m", "sh", "-ec", seeing, "sh"] },
      agentFlags: ["--cpus", "1", "--witness-port", "0"],
      flagsOf: (node) => ["--policy-file", policyOf(node)],
    });
    const site = new OwnerSite(local, folder, connect(local.address, local.credential));
    try {
      await site.furnish();
    } catch (error) {
      await site.stop();
      throw error;
    }
    return site;
  }

  async stop(): Promise<void> {
    this.connection.close();
    await this.local.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The owner of the machine where the job runs, and nobody else, sits down. When; and the job's run there. */
  async sitDown(): Promise<{ atMs: number; run: Run }> {
    const run = await until("the job runs", () => this.runs().at(-1), patienceMs, 20);
    for (const node of nodes) {
      const reclaim = node === run.node ? "reclaim: { seat: true, quietMinutes: 0 }\n" : "";
      writeFileSync(join(this.folder, `policy-${node}.yaml`), reclaim);
    }
    const atMs = Date.now();
    writeFileSync(
      join(this.folder, "sessions", "1"),
      "UID=1000\nUSER=carol\nSTATE=active\nCLASS=user\nSEAT=seat0\nREMOTE=0\n",
    );
    return { atMs, run };
  }

  leave(): void {
    rmSync(join(this.folder, "sessions", "1"), { force: true });
  }

  /** The run that follows, once it has begun. */
  after({ attempt }: Run): Promise<Run> {
    return until("the job runs elsewhere", () => this.runs().find((run) => run.attempt > attempt), patienceMs, 20);
  }

  again(run: Run): Run {
    return this.runs().find(({ attempt }) => attempt === run.attempt) ?? run;
  }

  async job(): Promise<Job> {
    const { job } = await this.connection.client(JobService).getJob({ id });
    if (!job) throw new Error("there is no job");
    return job;
  }

  end(): void {
    writeFileSync(join(this.folder, "end"), "");
  }

  /** Of each attempt that has begun, in their order. */
  private runs(): Run[] {
    const beats = join(this.folder, "beats");
    return readdirSync(beats)
      .flatMap((name): Run[] => {
        const [attempt, node = ""] = name.split("-");
        const times = readFileSync(join(beats, name), "utf8")
          .split("\n")
          .slice(0, -1)
          .map((time) => Number(time) * 1000);
        const [firstMs] = times;
        const lastMs = times.at(-1);
        if (firstMs === undefined || lastMs === undefined) return [];
        return [{ attempt: Number(attempt), node, firstMs, lastMs }];
      })
      .sort((a, b) => a.attempt - b.attempt);
  }

  private async furnish(): Promise<void> {
    await this.connection.client(WorkspaceService).createWorkspace({ name: "w" });
    await this.connection.client(ExperimentService).createExperiment({ parent: "workspaces/w", name: "e" });
    const spec = { vmSize: "any", scaleSettings: { manual: { targetNodeCount: nodes.length } } };
    await this.connection.client(ClusterService).createCluster({ parent: "workspaces/w", name: "c", spec });
    const commandLine = `until [ -e ${this.folder}/end ]; do echo $EPOCHREALTIME >> ${this.folder}/beats/$STOKER_ATTEMPT-$STOKER_NODE; sleep 0.02; done`;
    await this.connection.client(JobService).createJob({
      parent,
      name: "j",
      spec: {
        cluster: { id: "c" },
        nodeCount: 1,
        toolkit: { case: "customToolkitSettings", value: { commandLine } },
      },
    });
  }
}
