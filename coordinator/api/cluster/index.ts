import type { ClusterService } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { createCluster } from "./create-cluster.js";
import { deleteCluster } from "./delete-cluster.js";
import { getCluster } from "./get-cluster.js";
import { listClusterFiles } from "./list-cluster-files.js";
import { listClusters } from "./list-clusters.js";
import { updateCluster } from "./update-cluster.js";

export const clusterHandlers = (ports: ApiPorts): Handlers<typeof ClusterService> => ({
  createCluster: createCluster(ports),
  getCluster: getCluster(ports),
  listClusters: listClusters(ports),
  listClusterFiles: listClusterFiles(ports),
  updateCluster: updateCluster(ports),
  deleteCluster: deleteCluster(ports),
});
