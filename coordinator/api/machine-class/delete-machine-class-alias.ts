import type { MachineClassService } from "../../../shared/gen/stoker/v1/machine_class_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

type Delete = Handlers<typeof MachineClassService>["deleteMachineClassAlias"];

export function deleteMachineClassAlias(ports: ApiPorts): Delete {
  return async ({ alias }, context) => {
    await ports.ask({ kind: "machine-class-unmap", alias }, context);
    return {};
  };
}
