import { ClusterService } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import { ExperimentService } from "../../../shared/gen/stoker/v1/experiment_service_pb.js";
import { FileServerService } from "../../../shared/gen/stoker/v1/file_server_service_pb.js";
import { WorkspaceService } from "../../../shared/gen/stoker/v1/workspace_service_pb.js";
import type { Connection } from "../../../shared/grpc.js";
import { until } from "../machines/until.js";
import type { Ground } from "./ground.js";

/** The file server, where there is one, and below a job's mounts. */
const shareName = "share";

/** Of all jobs that are submitted. */
export const parent = "workspaces/chaos/experiments/run";

/** A workspace, an experiment, and the cluster `all`, once it has every node. */
export async function furnish(connection: Connection, ground: Ground): Promise<void> {
  const targetNodeCount = ground.nodes.length;
  const clusters = connection.client(ClusterService);
  const made = () => connection.client(WorkspaceService).createWorkspace({ name: "chaos" }, { timeoutMs: 2_000 });
  await until("the coordinator answers", made, 60_000, 200);
  await connection.client(ExperimentService).createExperiment({ parent: "workspaces/chaos", name: "run" });
  if (ground.share !== undefined) {
    const files = connection.client(FileServerService);
    await files.createFileServer({ parent: "workspaces/chaos", name: shareName, spec: { existing: ground.share } });
  }
  const spec = { vmSize: "any", scaleSettings: { manual: { targetNodeCount } } };
  await clusters.createCluster({ parent: "workspaces/chaos", name: "all", spec });
  const full = async () =>
    (await clusters.getCluster({ id: "workspaces/chaos/clusters/all" })).cluster?.currentNodeCount === targetNodeCount;
  await until("the cluster has its nodes", full, 60_000, 200);
}
