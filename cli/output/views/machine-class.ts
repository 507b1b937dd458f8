import { MachineClassSchema } from "../../../shared/gen/stoker/v1/machine_class_pb.js";
import { gibibytes } from "../time.js";
import { view } from "./view.js";

export const machineClass = view({
  schema: MachineClassSchema,
  columns: [
    ["Class", ({ name }) => name],
    ["Nodes", ({ nodeCount }) => String(nodeCount)],
    ["Free", ({ freeNodeCount }) => String(freeNodeCount)],
    ["CPUs", ({ nodeCount, cpus }) => (nodeCount === 0 ? "" : String(cpus))],
    ["Memory", ({ memoryBytes }) => gibibytes(memoryBytes)],
    ["GPUs", ({ nodeCount, gpus }) => (nodeCount === 0 ? "" : String(gpus))],
    ["Aliases", ({ aliases }) => aliases.join(", ")],
  ],
  more: ({ gpuModels, systems }) => [
    ["GPU models", gpuModels.join(", ")],
    ["Systems", systems.join(", ")],
  ],
});
