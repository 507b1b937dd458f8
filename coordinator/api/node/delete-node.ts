import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function deleteNode(ports: ApiPorts): Handlers<typeof NodeService>["deleteNode"] {
  return async (request, context) => {
    await ports.ask({ kind: "node-delete", id: request.id }, context);
    return {};
  };
}
