import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MachineClassSchema } from "../../../shared/gen/stoker/v1/machine_class_pb.js";
import type { MachineClass } from "../../core/machine-class.js";
import type { NodeInventory } from "../../core/state.js";

export function machineClassView({ name, aliases, nodes }: MachineClass): MessageInitShape<typeof MachineClassSchema> {
  const inventories = nodes.map(({ inventory }) => inventory);
  const least = (amount: (inventory: NodeInventory) => number) =>
    inventories.length === 0 ? 0 : Math.min(...inventories.map(amount));
  const models = inventories.flatMap(({ gpus }) => gpus.map(({ model }) => model));
  return {
    name,
    aliases: [...aliases].sort(),
    nodeCount: nodes.length,
    freeNodeCount: nodes.filter(({ cluster }) => cluster === undefined).length,
    cpus: least(({ cpus }) => cpus),
    memoryBytes: BigInt(least(({ memoryBytes }) => memoryBytes)),
    gpus: least(({ gpus }) => gpus.length),
    gpuModels: [...new Set(models)].sort(),
    systems: [...new Set(inventories.map(({ os }) => os).filter((os) => os !== ""))].sort(),
  };
}
