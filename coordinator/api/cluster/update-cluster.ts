import { create } from "@bufbuild/protobuf";
import { ScaleSettingsSchema } from "../../../shared/gen/stoker/v1/cluster_pb.js";
import type { ClusterService } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { clusterView } from "../views/cluster.js";

export function updateCluster(ports: ApiPorts): Handlers<typeof ClusterService>["updateCluster"] {
  return async ({ id, scaleSettings }, context) => {
    const subject = await ports.ask(
      {
        kind: "cluster-resize",
        id,
        scale: scaleSettings ?? create(ScaleSettingsSchema),
      },
      context,
    );
    const state = ports.state();
    return { cluster: clusterView(state, made(state.clusters, subject)) };
  };
}
