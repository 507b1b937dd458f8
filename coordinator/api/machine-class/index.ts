import type { MachineClassService } from "../../../shared/gen/stoker/v1/machine_class_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";
import { deleteMachineClassAlias } from "./delete-machine-class-alias.js";
import { listMachineClasses } from "./list-machine-classes.js";
import { setMachineClassAlias } from "./set-machine-class-alias.js";

export const machineClassHandlers = (ports: ApiPorts): Handlers<typeof MachineClassService> => ({
  listMachineClasses: listMachineClasses(ports),
  setMachineClassAlias: setMachineClassAlias(ports),
  deleteMachineClassAlias: deleteMachineClassAlias(ports),
});
