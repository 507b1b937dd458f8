import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { sightOf } from "../sight.js";
import { nodeView } from "../views/node.js";

export function retryNode(ports: ApiPorts): Handlers<typeof NodeService>["retryNode"] {
  return async (request, context) => {
    const subject = await ports.ask({ kind: "node-retry", id: request.id }, context);
    const state = ports.state();
    const row = made(state.nodes, subject);
    return { node: nodeView(state, row, ports.telemetry(row.name), sightOf(state, context)) };
  };
}
