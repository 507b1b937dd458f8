import type { MachineClassService } from "../../../shared/gen/stoker/v1/machine_class_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import { machineClassesOf } from "../../core/machine-class.js";
import { pageByName } from "../paging.js";
import type { ApiPorts } from "../ports.js";
import { machineClassView } from "../views/machine-class.js";

export function listMachineClasses(ports: ApiPorts): Handlers<typeof MachineClassService>["listMachineClasses"] {
  return (request) => {
    const page = pageByName("machineClasses", machineClassesOf(ports.state()), request, () => 1_000);
    return { machineClasses: page.items.map(machineClassView), nextPageToken: page.nextPageToken };
  };
}
