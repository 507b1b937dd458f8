import type { MessageInitShape } from "@bufbuild/protobuf";
import type { NodeSchema, Telemetry } from "../../../shared/gen/stoker/v1/node_pb.js";
import { shortTelemetry } from "./node-telemetry.js";

type NodeView = MessageInitShape<typeof NodeSchema>;

/** What a node does and what is wrong with it: a fifth of what there is to tell of one with eight GPUs. */
export function briefNode(
  { $typeName: _, inventory, telemetry, ...node }: NodeView,
  sample: Telemetry | undefined,
): NodeView {
  return {
    ...node,
    ...{ gpuHealth: [], failures: [], tests: [], warnings: [] },
    inventory: {
      machineClass: inventory?.machineClass ?? "",
      memoryBytes: inventory?.memoryBytes ?? 0n,
      gpus: (inventory?.gpus ?? []).map(({ uuid = "", index = 0, memoryBytes = 0n, parentUuid = "" }) => ({
        ...{ uuid, index, memoryBytes, parentUuid },
      })),
    },
    ...(sample ? { telemetry: briefTelemetry(sample) } : {}),
  };
}

function briefTelemetry(sample: Telemetry): Telemetry {
  const { host, ...rest } = shortTelemetry(sample);
  return host ? { ...rest, host: { ...host, disks: [], nfsMounts: [] } } : rest;
}
