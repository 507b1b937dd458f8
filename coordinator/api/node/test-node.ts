import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { nodeView } from "../views/node.js";

export function testNode(ports: ApiPorts): Handlers<typeof NodeService>["testNode"] {
  return async ({ id, gpus, network, quick }, context) => {
    const subject = await ports.ask({ kind: "node-test", id, gpus, network, quick }, context);
    const state = ports.state();
    const row = made(state.nodes, subject);
    const testId = state.nodeHealth.get(row.uuid)?.tests.at(-1)?.id ?? "";
    return { node: nodeView(state, row, ports.telemetry(row.name)), testId };
  };
}
