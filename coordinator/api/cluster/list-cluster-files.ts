import type { ClusterService } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findCluster } from "../../core/names.js";
import { listing } from "../files/listing.js";
import type { ApiPorts } from "../ports.js";

export function listClusterFiles(ports: ApiPorts): Handlers<typeof ClusterService>["listClusterFiles"] {
  return (request, context) => {
    const { uuid } = findCluster(ports.state(), request.id);
    return listing(ports, { kind: "setup", cluster: uuid }, request, context);
  };
}
