import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalSite } from "../../../scripts/site/local-site.js";
import { until } from "../../../scripts/site/processes.js";
import { ClusterService } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../../shared/gen/stoker/v1/experiment_service_pb.js";
import { JobService } from "../../../shared/gen/stoker/v1/job_service_pb.js";
import { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import { type Connection, connect } from "../../../shared/grpc.js";
import { finished, single } from "../bench-site.js";
import { percentile, wallMs } from "../measure.js";

const samples = 15;
const parent = "workspaces/w";
const cluster = `${parent}/clusters/auto`;

/** A job for a cluster that scales by itself and has no node: from the call to a node that is the cluster's and holds the job's lease. */
export async function autoscaleReaction(): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), "stoker-autoscale-"));
  const site = await LocalSite.start({ folder, nodes: ["m1", "m2"], agentFlags: ["--cpus", "4"] });
  const connection = connect(site.address, site.credential);
  try {
    await connection.client(WorkspaceService).createWorkspace({ name: "w" });
    await connection.client(ExperimentService).createExperiment({ parent, name: "e" });
    const spec = { vmSize: "any", scaleSettings: scalesItself };
    await connection.client(ClusterService).createCluster({ parent, name: "auto", spec });
    const took: number[] = [];
    for (let sample = 0; sample < samples; sample++) took.push(await reaction(connection, `j${sample}`));
    return { p50: percentile(took, 50), p95: percentile(took, 95) };
  } finally {
    connection.close();
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const scalesItself = { autoScale: { minimumNodeCount: 0, maximumNodeCount: 2 } };
const none = { manual: { targetNodeCount: 0 } };

async function reaction(connection: Connection, name: string): Promise<number> {
  const clusters = connection.client(ClusterService);
  const jobs = connection.client(JobService);
  const nodes = connection.client(NodeService);
  const id = `${parent}/experiments/e/jobs/${name}`;
  const free = async () => (await nodes.listNodes({})).nodes.filter(({ clusterId }) => clusterId === "").length === 2;
  await until("both nodes are free", async () => (await free()) || undefined, 20_000, 5);
  const start = wallMs();
  await jobs.createJob({ parent: `${parent}/experiments/e`, name, spec: single("true", "auto") });
  const holds = async () =>
    (await nodes.listNodes({})).nodes.some(
      ({ clusterId, allocations }) => clusterId === cluster && allocations.some(({ jobId }) => jobId === id),
    );
  await until("a node is allocated", async () => (await holds()) || undefined, 20_000, 1);
  const tookMs = wallMs() - start;
  await finished(jobs, id);
  // Its node would stay for a while: the next sample begins with none again.
  await clusters.updateCluster({ id: cluster, scaleSettings: none });
  await until("both nodes are free again", async () => (await free()) || undefined, 20_000, 5);
  await clusters.updateCluster({ id: cluster, scaleSettings: scalesItself });
  return tookMs;
}
