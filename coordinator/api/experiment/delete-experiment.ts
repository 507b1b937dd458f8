import type { ExperimentService } from "../../../shared/gen/stoker/v1/experiment_service_pb.js";
import type { Handlers } from "../../../shared/grpc.js";
import type { ApiPorts } from "../ports.js";

export function deleteExperiment(ports: ApiPorts): Handlers<typeof ExperimentService>["deleteExperiment"] {
  return async (request, context) => {
    await ports.ask({ kind: "experiment-delete", id: request.id }, context);
    return {};
  };
}
