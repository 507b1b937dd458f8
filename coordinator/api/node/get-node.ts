import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { findNode } from "../../core/names.js";
import type { ApiPorts } from "../ports.js";
import { sightOf } from "../sight.js";
import { nodeView } from "../views/node.js";

export function getNode(ports: ApiPorts): Handlers<typeof NodeService>["getNode"] {
  return (request, context) => {
    const state = ports.state();
    const row = findNode(state, request.id);
    return { node: nodeView(state, row, ports.telemetry(row.name), sightOf(state, context)) };
  };
}
