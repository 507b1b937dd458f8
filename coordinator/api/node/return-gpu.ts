import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { nodeView } from "../views/node.js";

export function returnGpu(ports: ApiPorts): Handlers<typeof NodeService>["returnGpu"] {
  return async ({ id, gpu, force }, context) => {
    const subject = await ports.ask({ kind: "gpu-return", id, gpu, force }, context);
    const state = ports.state();
    const row = made(state.nodes, subject);
    return { node: nodeView(state, row, ports.telemetry(row.name)) };
  };
}
