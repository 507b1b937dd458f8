import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findCluster } from "../../core/names.js";
import { pageByName, weightOf } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { sightOf } from "../sight.js";
import { briefNode } from "../views/brief-node.js";
import { nodeView } from "../views/node.js";
import { shortTelemetry } from "../views/node-telemetry.js";

export function listNodes(ports: ApiPorts): Handlers<typeof NodeService>["listNodes"] {
  return (request, context) => {
    const state = ports.state();
    const sight = sightOf(state, context);
    const cluster = request.clusterId === "" ? undefined : findCluster(state, request.clusterId).uuid;
    const all = [...state.nodes.values()].filter((row) => cluster === undefined || row.cluster === cluster);
    const page = pageByName("nodes", all, request, (row) => weightOf(row) + weightOf(ports.telemetry(row.name)));
    return {
      nodes: page.items.map((row) => {
        const telemetry = ports.telemetry(row.name);
        if (request.brief) return briefNode(nodeView(state, row, undefined, sight), telemetry);
        return nodeView(state, row, telemetry && shortTelemetry(telemetry), sight);
      }),
      nextPageToken: page.nextPageToken,
    };
  };
}
