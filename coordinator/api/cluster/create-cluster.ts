import { randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { ClusterSpecSchema } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import { type ClusterService, CreateClusterRequestSchema } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { clusterId } from "../../../shared/ids.js";
import { idempotencyOf, made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { clusterView } from "../views/cluster.js";

export function createCluster(ports: ApiPorts): Handlers<typeof ClusterService>["createCluster"] {
  return async (request, context) => {
    const subject = await ports.ask(
      {
        kind: "cluster-create",
        uuid: clusterId(randomUUID()),
        parent: request.parent,
        name: request.name,
        spec: request.spec ?? create(ClusterSpecSchema),
        ...idempotencyOf(CreateClusterRequestSchema, request),
      },
      context,
    );
    const state = ports.state();
    const row = made(state.clusters, subject);
    return { cluster: clusterView(state, row) };
  };
}
