import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function removeNode(ports: ApiPorts): Handlers<typeof NodeService>["removeNode"] {
  return async ({ id }, context) => {
    const { caller } = context;
    await ports.ask(
      { kind: "node-remove", id, by: caller.kind === "user" ? caller.name : "an administrator" },
      context,
    );
    return {};
  };
}
