import type { ClusterService } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findCluster } from "../../core/names.js";
import type { ApiPorts } from "../ports.js";
import { clusterView } from "../views/cluster.js";

export function getCluster(ports: ApiPorts): Handlers<typeof ClusterService>["getCluster"] {
  return (request) => {
    const state = ports.state();
    const row = findCluster(state, request.id);
    return { cluster: clusterView(state, row) };
  };
}
