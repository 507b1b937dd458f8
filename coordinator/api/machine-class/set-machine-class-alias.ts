import { assert } from "../../../shared/assert.js";
import type { MachineClassService } from "../../../shared/gen/stoker/v1/machine_class_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { machineClassesOf } from "../../core/machine-class.js";
import { made } from "../create.js";
import type { ApiPorts } from "../ports.js";
import { machineClassView } from "../views/machine-class.js";

export function setMachineClassAlias(ports: ApiPorts): Handlers<typeof MachineClassService>["setMachineClassAlias"] {
  return async ({ alias, machineClass }, context) => {
    const subject = await ports.ask({ kind: "machine-class-map", alias, machineClass }, context);
    const state = ports.state();
    const wanted = made(state.machineClassAliases, subject).machineClass.toLowerCase();
    const found = machineClassesOf(state).find(({ name }) => name.toLowerCase() === wanted);
    assert(found, "a class that an alias names is listed");
    return { machineClass: machineClassView(found) };
  };
}
