import type { NodeService } from "../../../shared/gen/stoker/v1/node_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { OpenStreams } from "../open-streams.js";
import type { ApiPorts } from "../ports.js";
import { declareNodeLost } from "./declare-node-lost.js";
import { deleteNode } from "./delete-node.js";
import { doctorNodes } from "./doctor-nodes.js";
import { drainNode } from "./drain-node.js";
import { exec } from "./exec.js";
import { forward } from "./forward.js";
import { getNode } from "./get-node.js";
import { getNodeHistory } from "./get-node-history.js";
import { listNodes } from "./list-nodes.js";
import { reclaimNode } from "./reclaim-node.js";
import { removeNode } from "./remove-node.js";
import { resumeNode } from "./resume-node.js";
import { retryNode } from "./retry-node.js";
import { returnGpu } from "./return-gpu.js";
import { testNode } from "./test-node.js";

export const nodeHandlers = (ports: ApiPorts, open = new OpenStreams()): Handlers<typeof NodeService> => ({
  getNode: getNode(ports),
  getNodeHistory: getNodeHistory(ports),
  listNodes: listNodes(ports),
  deleteNode: deleteNode(ports),
  removeNode: removeNode(ports),
  drainNode: drainNode(ports),
  reclaimNode: reclaimNode(ports),
  resumeNode: resumeNode(ports),
  retryNode: retryNode(ports),
  testNode: testNode(ports),
  returnGpu: returnGpu(ports),
  declareNodeLost: declareNodeLost(ports),
  doctorNodes: doctorNodes(ports),
  exec: exec(ports, open),
  forward: forward(ports, open),
});
