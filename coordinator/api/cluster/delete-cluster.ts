import type { ClusterService } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function deleteCluster(ports: ApiPorts): Handlers<typeof ClusterService>["deleteCluster"] {
  return async (request, context) => {
    await ports.ask({ kind: "cluster-delete", id: request.id }, context);
    return {};
  };
}
