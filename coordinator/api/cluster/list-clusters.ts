import type { ClusterService } from "../../../shared/gen/stoker/v1/cluster_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findWorkspace } from "../../core/names.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { clusterView } from "../views/cluster.js";

export function listClusters(ports: ApiPorts): Handlers<typeof ClusterService>["listClusters"] {
  return (request) => {
    const state = ports.state();
    const parent = findWorkspace(state, request.parent);
    const all = [...state.clusters.values()].filter((row) => row.workspace === parent.uuid);
    const page = pageByName("clusters", all, request);
    return { clusters: page.items.map((row) => clusterView(state, row)), nextPageToken: page.nextPageToken };
  };
}
